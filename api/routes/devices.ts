import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  findDevice,
  findSecretHash,
  refreshDevice,
  registerDevice,
  setUnsubscribed,
} from '../../db/devices.ts';
import { CHANNEL_OF, tokenFault } from '../../domain/device.ts';
import type { Channel } from '../../domain/platform.ts';
import type { App } from '../app.ts';
import { appIdOf, sha256 } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { DeviceBody, DeviceId, DeviceRefresh, DeviceSecret, NewDevice } from '../device-schemas.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON, SDK } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { isSecret, newSecret } from '../secrets.ts';

const params = z.object({ deviceId: DeviceId });
const Registered = z.object({ deviceId: z.string(), secret: z.string() }).meta({ id: 'DeviceRegistered' });

export async function deviceRoutes(app: App, deps: ApiDeps): Promise<void> {
  registering(app, deps);
  subscribing(app, deps);
  reading(app, deps);
}

function registering(app: App, deps: ApiDeps): void {
  app.post(
    '/v1/devices',
    {
      ...idempotent(deps),
      onRequest: app.guard.sdk,
      schema: {
        ...SDK,
        operationId: 'registerDevice',
        description:
          'The secret is shown this once: keep it, and send it as X-Device-Secret to change the device. ' +
          'With an Idempotency-Key a lost answer can be asked for again.',
        headers: DeviceSecret,
        body: NewDevice,
        response: { 201: Registered, ...problemResponses(409, 413, 415, 422) },
      },
    },
    async (request, reply) => reply.code(201).send(await register(deps, request, request.body)),
  );

  app.put(
    '/v1/devices/:deviceId',
    {
      onRequest: app.guard.sdk,
      schema: {
        ...SDK,
        operationId: 'refreshDevice',
        params,
        headers: DeviceSecret,
        body: DeviceRefresh,
        response: { 200: DeviceBody, ...problemResponses(404, 413, 415) },
      },
    },
    async (request) => {
      const key = { appId: appIdOf(request), deviceId: request.params.deviceId };
      const channel = await proveDevice(deps, request, key);
      checkToken(channel, request.body.token);
      const device = await refreshDevice(deps.db, { ...key, fields: request.body, now: await deps.clock() });
      if (device === undefined) throw notFound('device');
      return device;
    },
  );
}

function subscribing(app: App, deps: ApiDeps): void {
  for (const [method, isUnsubscribed] of [
    ['POST', true],
    ['DELETE', false],
  ] as const) {
    app.route({
      method,
      url: '/v1/devices/:deviceId/unsubscribe',
      onRequest: app.guard.sdk,
      schema: {
        ...SDK,
        operationId: isUnsubscribed ? 'unsubscribeDevice' : 'resubscribeDevice',
        params,
        headers: DeviceSecret,
        response: { 200: DeviceBody, ...problemResponses(404, 413, 415) },
      },
      handler: async (request) => {
        const key = { appId: appIdOf(request), deviceId: request.params.deviceId };
        await proveDevice(deps, request, key);
        const now = await deps.clock();
        const device = await setUnsubscribed(deps.db, { ...key, at: isUnsubscribed ? now : null, now });
        if (device === undefined) throw notFound('device');
        return device;
      },
    });
  }
}

function reading(app: App, deps: ApiDeps): void {
  app.get(
    '/v1/devices/:deviceId',
    {
      onRequest: app.guard.may('devices.read'),
      schema: {
        ...PERSON,
        operationId: 'getDevice',
        params,
        response: { 200: DeviceBody, ...problemResponses(404) },
      },
    },
    async (request) => {
      const device = await findDevice(deps.db, { appId: appIdOf(request), ...request.params });
      if (device === undefined) throw notFound('device');
      return device;
    },
  );
}

async function register(deps: ApiDeps, request: FastifyRequest, body: z.infer<typeof NewDevice>) {
  const { deviceId, platform, ...fields } = body;
  const channel = CHANNEL_OF[platform];
  if (channel === undefined) {
    throw new Problem('channel_not_supported', `There is no channel for ${platform} devices yet`);
  }
  checkToken(channel, fields.token);
  const key = { appId: appIdOf(request), deviceId };
  const known = await findSecretHash(deps.db, key);
  const provenHash = known?.hash ?? null;
  if (provenHash !== null) proveSecret(request, provenHash);
  const secret = newSecret('sbd');
  const isDone = await registerDevice(deps.db, {
    ...key,
    platform,
    channel,
    fields,
    secretHash: sha256(secret),
    provenHash,
    now: await deps.clock(),
  });
  if (!isDone) throw secretRequired();
  return { deviceId, secret };
}

/** The device's channel, once its secret was shown. */
async function proveDevice(deps: ApiDeps, request: FastifyRequest, key: { appId: string; deviceId: string }) {
  const known = await findSecretHash(deps.db, key);
  if (known === undefined) throw notFound('device');
  if (known.hash === null) throw secretRequired();
  proveSecret(request, known.hash);
  return known.channel;
}

function proveSecret(request: FastifyRequest, hash: Buffer): void {
  if (!isSecret(request.headers['x-device-secret'], hash)) throw secretRequired();
}

function secretRequired(): Problem {
  return new Problem('device_secret_required', "Send the device's own secret as X-Device-Secret");
}

function checkToken(channel: Channel, token: string | null | undefined): void {
  const fault = token === undefined || token === null ? undefined : tokenFault(channel, token);
  if (fault === undefined) return;
  const errors = [{ pointer: '/token', detail: fault }];
  throw new Problem('invalid_request', 'The request is not valid', { errors });
}
