import type { FastifyRequest } from 'fastify';
import { type DeviceProof, findSecretHash } from '../db/devices.ts';
import { appIdOf } from './auth.ts';
import type { ApiDeps, App } from './deps.ts';
import { notFound, Problem } from './problem.ts';
import { isSecret } from './secrets.ts';

/** Of one device, whatever addresses its requests come from: no device changes so often. */
const PER_MINUTE = 120;

interface DeviceRef {
  readonly appId: string;
  readonly deviceId: string;
}

export interface DeviceGuard {
  /** What is known of a device that may be new; throws when it has a secret that was not shown. */
  admit(request: FastifyRequest, deviceId: string): Promise<DeviceRef & { proof: DeviceProof | undefined }>;
  /** Throws unless the device exists and its secret was shown. */
  prove(request: FastifyRequest, deviceId: string): Promise<DeviceRef & { proof: DeviceProof }>;
}

/** An SDK key is public: what changes one device asks for that device's own secret, and so often only. */
export function createDeviceGuard(app: App, deps: ApiDeps): DeviceGuard {
  const limit = app.createRateLimit({ max: PER_MINUTE, timeWindow: 60_000, keyGenerator: deviceKeyOf });

  async function admit(request: FastifyRequest, deviceId: string) {
    const ref = { appId: appIdOf(request), deviceId };
    const proof = await findSecretHash(deps.db, ref);
    // First: who only knows a device's ID must not use up what the device may ask for.
    if (proof !== undefined && proof.hash !== null) proveSecret(request, proof.hash);
    const result = await limit(request);
    if (!result.isAllowed && result.isExceeded) {
      throw new Problem('rate_limited', 'Too many requests of this device', {
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
