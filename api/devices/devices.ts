import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listTokens } from '../../db/devices/device-history.ts';
import { findDevice, refreshDevice, registerDevice, setUnsubscribed } from '../../db/devices/devices.ts';
import { USUAL_KIND } from '../../domain/devices/address.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf, sha256 } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { newSecret } from '../access/secrets.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { deviceChange } from './device-change.ts';
import { DeviceWarning } from './device-optional.ts';
import { createDeviceGuard, type DeviceGuard, secretRequired } from './device-proof.ts';
import {
  DeviceBody,
  DeviceId,
  DeviceRefresh,
  DeviceSecret,
  NewDevice,
  TokenPeriodBody,
} from './device-schemas.ts';

const params = z.object({ deviceId: DeviceId });
const warnings = z.array(DeviceWarning).describe('Optional values that were left out, each with the reason');
const Registered = z
  .object({ deviceId: z.string(), secret: z.string(), warnings })
  .meta({ id: 'DeviceRegistered' });
const Refreshed = DeviceBody.extend({ warnings }).meta({ id: 'DeviceRefreshed' });

export async function deviceRoutes(app: App, deps: ApiDeps): Promise<void> {
  const guard = createDeviceGuard(app, deps);
  registering(app, deps, guard);
  refreshing(app, deps, guard);
  subscribing(app, deps, guard);
  reading(app, deps);
}

function registering(app: App, deps: ApiDeps, guard: DeviceGuard): void {
  route(app, {
    method: 'POST',
    path: '/v1/devices',
    access: 'sdk',
    audit: AUDIT_ACTIONS.registerDevice,
    idempotent: true,
    schema: {
      operationId: 'registerDevice',
      summary: 'Register a device',
      example: {
        deviceId: 'phone-1',
        platform: 'ios',
        token: 'ab'.repeat(32),
        locale: 'en-GB',
        timeZone: 'Europe/London',
        tags: ['customer'],
      },
      tags: ['devices'],
      description:
        'The secret appears only in this answer. Store it, and send it as X-Device-Secret to change the device. ' +
        'After a lost answer, repeat the request with the same Idempotency-Key.',
      headers: DeviceSecret,
      body: NewDevice,
      response: { 201: Registered },
    },
    problems: [409, 413, 415, 422],
    handler: async (request, reply) =>
      reply.code(201).send(await register(deps, guard, request, request.body)),
  });
}

async function register(
  deps: ApiDeps,
  guard: DeviceGuard,
  request: FastifyRequest,
  body: z.infer<typeof NewDevice>,
) {
  const { deviceId, platform, ...given } = body;
  const { warnings, ...change } = deviceChange({ platform, kind: USUAL_KIND[platform] }, given);
  const { proof, ...key } = await guard.admit(request, deviceId);
  const secret = newSecret('sbd');
  const isDone = await registerDevice(deps.db, {
    ...key,
    ...change,
    platform,
    secretHash: sha256(secret),
    provenHash: proof?.hash ?? null,
    now: await deps.clock(),
  });
  if (!isDone) throw secretRequired();
  return { deviceId, secret, warnings: [...warnings] };
}

function refreshing(app: App, deps: ApiDeps, guard: DeviceGuard): void {
  route(app, {
    method: 'PUT',
    path: '/v1/devices/:deviceId',
    access: 'sdk',
    audit: AUDIT_ACTIONS.refreshDevice,
    schema: {
      operationId: 'refreshDevice',
      summary: 'Refresh a registered device',
      example: { locale: 'de-DE', tags: ['customer'] },
      tags: ['devices'],
      params,
      headers: DeviceSecret,
      body: DeviceRefresh,
      response: { 200: Refreshed },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { proof, ...key } = await guard.prove(request, request.params.deviceId);
      const known = { platform: proof.platform, kind: proof.addressKind };
      const { warnings, ...change } = deviceChange(known, request.body);
      const device = await refreshDevice(deps.db, { ...key, ...change, now: await deps.clock() });
      if (device === undefined) throw notFound('device');
      return { ...device, warnings: [...warnings] };
    },
  });
}

function subscribing(app: App, deps: ApiDeps, guard: DeviceGuard): void {
  for (const [method, operationId, summary] of [
    ['POST', 'unsubscribeDevice', 'Unsubscribe a device from messages'],
    ['DELETE', 'resubscribeDevice', 'Subscribe a device again'],
  ] as const) {
    route(app, {
      method,
      path: '/v1/devices/:deviceId/unsubscribe',
      access: 'sdk',
      audit: AUDIT_ACTIONS[operationId],
      schema: {
        operationId,
        summary,
        tags: ['devices'],
        params,
        headers: DeviceSecret,
        response: { 200: DeviceBody },
      },
      problems: [404, 413, 415],
      handler: async (request) => {
        const { appId, deviceId } = await guard.prove(request, request.params.deviceId);
        const now = await deps.clock();
        const at = method === 'POST' ? now : null;
        const device = await setUnsubscribed(deps.db, { appId, deviceId, at, now });
        if (device === undefined) throw notFound('device');
        return device;
      },
    });
  }
}

function reading(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/devices/:deviceId',
    access: 'devices.read',
    schema: {
      operationId: 'getDevice',
      summary: 'Get a device',
      tags: ['devices'],
      params,
      response: { 200: DeviceBody },
    },
    problems: [404],
    handler: async (request) => {
      const key = { appId: appIdOf(request), ...request.params };
      const device = await findDevice(deps.db, key, await deps.clock());
      if (device === undefined) throw notFound('device');
      return device;
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/devices/:deviceId/tokens',
    access: 'devices.read',
    schema: {
      operationId: 'listDeviceTokens',
      summary: 'List the earlier tokens of a device',
      tags: ['devices'],
      description:
        'Lists the current token and the last 20 that ended, newest first. Only fingerprints of the tokens are shown.',
      params,
      response: { 200: z.object({ items: z.array(TokenPeriodBody) }) },
    },
    problems: [404],
    handler: async (request) => {
      const key = { appId: appIdOf(request), ...request.params };
      const items = await listTokens(deps.db, key, await deps.clock());
      if (items === undefined) throw notFound('device');
      return { items };
    },
  });
}
