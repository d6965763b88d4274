import { z } from 'zod';
import {
  listTestDevices,
  listTestSends,
  MAX_TEST_DEVICES,
  replaceTestDevices,
} from '../../db/tasks/test-sends.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { DeviceId } from '../devices/device-schemas.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { IdParams, IsoDate } from '../http/schemas.ts';
import { taskOf } from '../tasks/task-lookup.ts';
import { createTestSend, runTestSend, TEST_SENDS_PER_HOUR } from './test-send.ts';

const LISTED = 20;

const DeviceIds = z
  .array(DeviceId)
  .max(MAX_TEST_DEVICES)
  .refine((ids) => new Set(ids).size === ids.length, 'must name each device once');
const TestDevices = z.strictObject({ deviceIds: DeviceIds }).meta({ id: 'TestDevices' });

const TestSend = z
  .object({
    id: z.string(),
    revision: z.int(),
    personId: z.string(),
    at: IsoDate,
    /** Null while the test is being sent, or when its sender died. */
    doneAt: IsoDate.nullable(),
    devices: z.array(
      z.object({ deviceId: z.string(), outcome: z.string().nullable(), reason: z.string().nullable() }),
    ),
  })
  .meta({ id: 'TestSend' });

const tags = ['test sends'] as const;

export async function testSendRoutes(app: App, deps: ApiDeps): Promise<void> {
  whitelist(app, deps);
  sending(app, deps);
  reading(app, deps);
}

function whitelist(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/test-devices',
    access: 'tasks.read',
    schema: {
      operationId: 'getTestDevices',
      summary: 'Get the test devices of the app',
      tags,
      response: { 200: TestDevices },
    },
    handler: async (request) => ({ deviceIds: await listTestDevices(deps.db, appIdOf(request)) }),
  });

  route(app, {
    method: 'PUT',
    path: '/v1/test-devices',
    access: 'test_devices.change',
    audit: AUDIT_ACTIONS.putTestDevices,
    schema: {
      operationId: 'putTestDevices',
      summary: 'Set the test devices of the app',
      example: { deviceIds: ['phone-1'] },
      description: `Replaces the list of test devices, ${MAX_TEST_DEVICES} at most. Tests are sent to no other device.`,
      tags,
      body: TestDevices,
      response: { 200: TestDevices },
    },
    handler: async (request) => {
      const { appId } = personOf(request);
      const { deviceIds } = request.body;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const unknown = await replaceTestDevices(trx, { appId, deviceIds });
        if (unknown.length > 0) {
          const errors = unknown.map((id) => ({
            pointer: `/deviceIds/${deviceIds.indexOf(id)}`,
            detail: 'there is no such device',
          }));
          throw new Problem('invalid_request', 'The list is not valid', { errors });
        }
        await recordAuditEntry(trx, request, { detail: `${deviceIds.length} devices`, now });
      });
      return { deviceIds: await listTestDevices(deps.db, appId) };
    },
  });
}

function sending(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks/:id/test-sends',
    access: 'tasks.test',
    audit: AUDIT_ACTIONS.testTask,
    schema: {
      operationId: 'testTask',
      summary: 'Send a task to test devices',
      example: { deviceIds: ['phone-1'] },
      description:
        "Sends the task's content to test devices at once, approved or not. " +
        'The title begins with "[Test]". Statistics do not count tests. ' +
        `The limit of an app is ${TEST_SENDS_PER_HOUR} tests per hour.`,
      tags,
      params: IdParams,
      body: z.strictObject({
        deviceIds: DeviceIds.min(1).optional().describe('All test devices when left out'),
      }),
      response: { 200: TestSend, 202: TestSend },
    },
    problems: [404, 409],
    handler: async (request, reply) => {
      const task = await taskOf(deps, request);
      const id = await createTestSend(deps, request, { task, deviceIds: request.body.deviceIds });
      const isDone = await runTestSend(deps, id);
      const sends = await listTestSends(deps.db, { taskId: task.id, limit: LISTED });
      const made = sends.find((send) => send.id === id);
      if (made === undefined) throw new Error('the stored test send was not found');
      return reply.code(isDone ? 200 : 202).send(made);
    },
  });
}

function reading(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/test-sends',
    access: 'tasks.read',
    schema: {
      operationId: 'listTestSends',
      summary: 'List the test sends of a task',
      tags,
      params: IdParams,
      response: { 200: z.object({ items: z.array(TestSend) }) },
    },
    problems: [404],
    handler: async (request) => {
      const { id: taskId } = await taskOf(deps, request);
      return { items: await listTestSends(deps.db, { taskId, limit: LISTED }) };
    },
  });
}
