import type { FastifyRequest } from 'fastify';
import { type DeviceProof, findSecretHash } from '../../db/devices/devices.ts';
import { MINUTE_MS } from '../../domain/duration.ts';
import { appIdOf } from '../access/auth.ts';
import { isSecret } from '../access/secrets.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';

/** The limit of one device across all addresses. Devices in normal use stay far below it. */
const PER_MINUTE = 120;

interface DeviceRef {
  readonly appId: string;
  readonly deviceId: string;
}

export interface DeviceGuard {
  /**
   * Returns the stored proof of a device, or undefined for a new device. Throws when the device has a secret and
   * the request lacks it.
   */
  admit(request: FastifyRequest, deviceId: string): Promise<DeviceRef & { proof: DeviceProof | undefined }>;
  /** Throws unless the device exists and its secret was shown. */
  prove(request: FastifyRequest, deviceId: string): Promise<DeviceRef & { proof: DeviceProof }>;
}

/**
 * SDK keys are public, so a change of a device needs the secret of that device and counts against its limit.
 */
export function createDeviceGuard(app: App, deps: ApiDeps): DeviceGuard {
  const limit = app.createRateLimit({ max: PER_MINUTE, timeWindow: MINUTE_MS, keyGenerator: deviceKeyOf });

  async function admit(request: FastifyRequest, deviceId: string) {
    const ref = { appId: appIdOf(request), deviceId };
    const proof = await findSecretHash(deps.db, ref);
    // The secret is checked before the limit, so that a stranger who knows the device's ID cannot exhaust the
    // limit.
    if (proof !== undefined && proof.hash !== null) proveSecret(request, proof.hash);
    const result = await limit(request);
    if (!result.isAllowed && result.isExceeded) {
      throw new Problem('rate_limited', 'Too many requests for this device; try again later', {
        retryAfterSeconds: result.ttlInSeconds,
      });
    }
    return { ...ref, proof };
  }

  return {
    admit,
    async prove(request, deviceId) {
      const { proof, ...ref } = await admit(request, deviceId);
      if (proof === undefined) throw notFound('device');
      if (proof.hash === null) throw secretRequired();
      return { ...ref, proof };
    },
  };
}

function proveSecret(request: FastifyRequest, hash: Buffer): void {
  if (!isSecret(request.headers['x-device-secret'], hash)) throw secretRequired();
}

export function secretRequired(): Problem {
  return new Problem('device_secret_required', "Send the device's own secret as X-Device-Secret");
}

function deviceKeyOf(request: FastifyRequest): string {
  const { deviceId } = { ...Object(request.body), ...Object(request.params) } as { deviceId?: unknown };
  return `device ${appIdOf(request)} ${String(deviceId)}`;
}
