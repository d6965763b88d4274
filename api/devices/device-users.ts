import { z } from 'zod';
import { setUser } from '../../db/devices/devices.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { createDeviceGuard } from './device-proof.ts';
import { DeviceBody, DeviceId, DeviceSecret } from './device-schemas.ts';
import { userOfToken } from './user-token.ts';

const params = z.object({ deviceId: DeviceId });
const Binding = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(8192)
      .describe(
        "A JWT signed by the app's backend, with the claims sub, aud (the app ID), exp and optionally device_id",
      ),
  })
  .meta({ id: 'UserBinding' });

/** SDK keys are public, so the identity of a user comes from the app's own backend. */
export async function deviceUserRoutes(app: App, deps: ApiDeps): Promise<void> {
  const guard = createDeviceGuard(app, deps);

  route(app, {
    method: 'PUT',
    path: '/v1/devices/:deviceId/user',
    access: 'sdk',
    audit: AUDIT_ACTIONS.bindUser,
    schema: {
      operationId: 'bindUser',
      summary: 'Bind a user to a device',
      tags: ['devices'],
      example: { token: 'a-jwt-of-your-backend' },
      description:
        'Binds a user to the device. A user token key of the app must have signed the token. ' +
        'A claim `device_id` must name this device.',
      params,
      headers: DeviceSecret,
      body: Binding,
      response: { 200: DeviceBody },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { proof: _, ...key } = await guard.prove(request, request.params.deviceId);
      const userId = await userOfToken(deps, key, request.body.token);
      const device = await setUser(deps.db, { ...key, userId, now: await deps.clock() });
      if (device === undefined) throw notFound('device');
      return device;
    },
  });

  route(app, {
    method: 'DELETE',
    path: '/v1/devices/:deviceId/user',
    access: 'sdk',
    audit: AUDIT_ACTIONS.unbindUser,
    schema: {
      operationId: 'unbindUser',
      summary: 'Unbind the user from a device',
      tags: ['devices'],
      params,
      headers: DeviceSecret,
      response: { 200: DeviceBody },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { proof: _, ...key } = await guard.prove(request, request.params.deviceId);
      const device = await setUser(deps.db, { ...key, userId: null, now: await deps.clock() });
      if (device === undefined) throw notFound('device');
      return device;
    },
  });
}
