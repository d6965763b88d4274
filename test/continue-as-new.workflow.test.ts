import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordHistory } from './replay/record.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import {
  createTask,
  everybody,
  importDevices,
  openShop,
  type Shop,
  submitAndApprove,
  verb,
} from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const DEVICES = 3000;
const EVENTS = 40;

let world: World;
let shop: Shop;
beforeAll(async () => {
  world = await createWorld(() => createLocal(EVENTS), { receiptWindowMs: 3_600_000 });
  shop = await openShop(world);
  await importDevices(shop, DEVICES);
});
afterAll(() => world.close());

const runIdOf = async (workflowId: string) =>
  (await world.env.client.workflow.getHandle(workflowId).describe()).runId;

test('a push and its task continue as new in the middle of pauses, and lose nothing', async () => {
  const slow = { delayMs: { min: 20, max: 60 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const audience = { id: await everybody(shop) };
  const taskId = await createTask(shop, { audience, pushType: 'manual' });
  await submitAndApprove(shop, taskId);
  const firstRun = await runIdOf(taskId);
  await verb(shop, shop.marketer, taskId, 'send');
  const pushId = `${taskId.replace('task-', 'push-')}-1`;
  const counts = world.simulators.control.counts;
  await until(counts, ({ processed }) => processed > 10);
  const firstPushRun = await runIdOf(pushId);
  for (const share of [0.2, 0.4, 0.6]) {
    await until(counts, ({ processed }) => processed >= DEVICES * share);
    expect((await verb(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
    expect((await verb(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  }
  const read = () => shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/pushes/${pushId}`);
  await until(read, ({ body }) => body.status === 'collecting');
  expect(await counts()).toMatchObject({ distinctDevices: DEVICES, duplicates: 0 });
  expect(await runIdOf(taskId)).not.toBe(firstRun);
  expect(await runIdOf(pushId)).not.toBe(firstPushRun);
  await recordHistory(world, pushId, 'push-continued');
  await recordHistory(world, taskId, 'manual-continued');
  expect((await verb(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
});
