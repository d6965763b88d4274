import { beforeAll, expect, test } from 'vitest';
import { HOUSEKEEPING, TASK_QUEUE } from '../domain/workflows/contract.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { openShopWithDevices } from './world/shop.ts';
import { pushIdOf, pushIn, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const WINDOW_MS = 4000;

const world = useWorld(createLocal, { receiptWindowMs: WINDOW_MS });
const shop = fixture(beforeAll, () => openShopWithDevices(world, 1000));

test('a push whose workflow was terminated is fenced at once, failed, and finalised at the end of its window', async () => {
  const slow = { delayMs: { min: 100, max: 200 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const taskId = await startTask(shop);
  const pushId = pushIdOf(taskId);
  await until(world.simulators.control.counts, ({ processed }) => processed > 50);
  const { workflow } = world.env.client;
  await workflow.getHandle(taskId).terminate();
  await workflow.getHandle(pushId).terminate();
  await workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 300, graceMs: 0 }],
  });
  await pushIn(shop, pushId, 'failed');
  await taskIn(shop, taskId, 'failed');
  const fenced = Date.now();
  const { body } = await until(
    () => shop.call(shop.marketer, 'GET', `/v1/pushes/${pushId}`),
    ({ body: push }) => push['finalisedAt'] !== null,
  );
  const { processed, duplicates } = await world.simulators.control.counts();
  expect(body).toMatchObject({
    statistics: { final: true, statistics: { planned: 1000, pending: 0, sent: processed } },
  });
  // Devices claimed before the fence are still written, and written requests are answered.
  expect(await world.simulators.control.requestsSince(fenced)).toBeLessThanOrEqual(256);
  expect([processed < 1000, duplicates]).toEqual([true, 0]);
  await workflow.getHandle(HOUSEKEEPING).terminate();
});
