import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type Erasure, eraseDevice, eraseUsers } from '../../db/erasure/erase.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { DeviceId } from './device-schemas.ts';

const ErasureBody = z
  .object({
    done: z.boolean(),
    devices: z.number(),
    deliveries: z.number(),
    others: z.number(),
    inFlight: z.number(),
  })
  .meta({ id: 'Erasure' });

/** Longer than the timeout of a request to a push service. */
const AGAIN_S = 15;

export async function userRoutes(app: App, deps: ApiDeps): Promise<void> {
  eraseUsersRoute(app, deps);
  deleteDeviceRoute(app, deps);
}

function eraseUsersRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/users/erase',
    access: 'users.erase',
    audit: AUDIT_ACTIONS.eraseUsers,
    schema: {
      operationId: 'eraseUsers',
      summary: 'Erase users and their devices',
      example: { userIds: ['user-1'] },
      tags: ['users'],
      description:
        'Deletes the devices, identifiers, token history, memberships and events of the users. Deliveries stay as ' +
        'numbers, without device and user. 202 means that requests to their devices are still in flight: repeat ' +
        'the request until `done`. Repeating is safe. User IDs are sent in the body, because no log keeps bodies.',
      body: z.strictObject({ userIds: z.array(DeviceId).min(1).max(100) }),
      response: { 200: ErasureBody, 202: ErasureBody },
    },
    problems: [413, 415],
    handler: async (request, reply) => {
      const { appId } = personOf(request);
      const { userIds } = request.body;
      const now = await deps.clock();
      const erased = await eraseUsers(deps.db, { appId, userIds, now });
      const detail = auditDetail(userIds.length, erased);
      await recordAuditEntry(deps.db, request, { detail, now });
      return sendErasure(reply, erased);
    },
  });
}

function deleteDeviceRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/devices/:deviceId',
    access: 'devices.delete',
    audit: AUDIT_ACTIONS.deleteDevice,
    schema: {
      operationId: 'deleteDevice',
      summary: 'Delete a device',
      tags: ['devices'],
      description:
        'Deletes the device with its identifiers, token history, memberships and own events. Its deliveries stay as ' +
        'numbers. 202 means that a request to it is still in flight: repeat the request until `done`.',
      params: z.object({ deviceId: DeviceId }),
      response: { 200: ErasureBody, 202: ErasureBody },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { appId } = personOf(request);
      const now = await deps.clock();
      const erased = await eraseDevice(deps.db, { appId, ...request.params, now });
      if (erased === undefined) throw notFound('device');
      await recordAuditEntry(deps.db, request, { detail: auditDetail(0, erased), now });
      return sendErasure(reply, erased);
    },
  });
}

function sendErasure(reply: FastifyReply, erased: Erasure): FastifyReply {
  const done = erased.inFlight === 0;
  if (!done) reply.header('retry-after', AGAIN_S);
  return reply.code(done ? 200 : 202).send({ done, ...erased });
}

function auditDetail(users: number, { devices, deliveries, others, inFlight }: Erasure): string {
  return `users: ${users}, devices: ${devices}, deliveries: ${deliveries}, others: ${others}, in flight: ${inFlight}`;
}
