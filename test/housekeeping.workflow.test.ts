import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOUSEKEEPING, TASK_QUEUE } from '../workflows/contract.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { createTask, everybody, importDevices, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const WINDOW_MS = 4000;

let world: World;
let shop: Shop;
beforeAll(async () => {
  world = await createWorld(createLocal, { receiptWindowMs: WINDOW_MS });
  shop = await openShop(world);
  await importDevices(shop, 1000);
});
afterAll(() => world.close());

test('a push whose workflow was terminated is fenced at once, failed, and finalised at the end of its window', async () => {
  const slow = { delayMs: { min: 100, max: 200 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) } });
  await submitAndApprove(shop, taskId);
  const pushId = `${taskId.replace('task-', 'push-')}-1`;
  await until(world.simulators.control.counts, ({ processed }) => processed > 50);
  const { workflow } = world.env.client;
  await workflow.getHandle(taskId).terminate();
  await workflow.getHandle(pushId).terminate();
  await workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 300, graceMs: 0 }],
  });
  const push = () =>
    shop.call<{ status: string; finalisedAt: string | null }>(shop.marketer, 'GET', `/v1/pushes/${pushId}`);
  await until(push, ({ body }) => body.status === 'failed');
  const task = () => shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}`);
  await until(task, ({ body }) => body['status'] === 'failed');
  const { processed } = await world.simulators.control.counts();
  expect(processed).toBeLessThan(1000);
  const { body } = await until(push, ({ body: now }) => now.finalisedAt !== null);
  expect(body).toMatchObject({ statistics: { final: true, statistics: { planned: 1000, pending: 0 } } });
  expect((await world.simulators.control.counts()).processed).toBe(processed);
  await workflow.getHandle(HOUSEKEEPING).terminate();
});
