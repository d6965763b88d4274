import { beforeEach, expect, test } from 'vitest';
import { HOUSEKEEPING, TASK_QUEUE } from '../domain/workflows/contract.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, openShopWithDevices } from './world/shop.ts';
import { readTask, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 3000;
const SLOW = { delayMs: { min: 20, max: 60 } };

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeEach, () => openShopWithDevices(world, DEVICES));
beforeEach(async () => {
  await world.simulators.control.reset();
  await world.simulators.control.change({ apns: SLOW, fcm: SLOW });
});

const counts = () => world.simulators.control.counts();
const stop = () => shop.call(shop.operator, 'POST', '/v1/app/stop', { reason: 'Wrong price' });
const lift = () =>
  shop.call<{ resumed: string[]; pending: boolean }>(shop.approver, 'POST', '/v1/app/resume');

test('one request stops everything of the app, one lets it go on, and every device gets each push once', async () => {
  const first = await startTask(shop);
  await until(counts, ({ processed }) => processed > 300);
  const askedAt = performance.now();
  const answer = await stop();
  expect(performance.now() - askedAt).toBeLessThan(2500);
  const stoppedAt = Date.now() + 1;
  expect(answer).toMatchObject({ status: 200, body: { stop: { reason: 'Wrong price' } } });
  expect(await readTask(shop, first)).toMatchObject({
    appStop: { reason: 'Wrong price', by: { name: 'operator' } },
  });
  await taskIn(shop, first, 'paused');

  // Approved while the stop holds.
  const second = await startTask(shop);
  await taskIn(shop, second, 'paused');
  expect(await readTask(shop, second)).toMatchObject({ statusReason: 'the app is stopped' });

  expect(await world.simulators.control.requestsSince(stoppedAt)).toBe(0);
  const lifted = await lift();
  expect(lifted).toMatchObject({ status: 200, body: { pending: false, app: { stop: null } } });
  expect(lifted.body.resumed.toSorted()).toEqual([first, second].toSorted());
  await taskIn(shop, first, 'collecting');
  await taskIn(shop, second, 'collecting');
  expect(await counts()).toMatchObject({ duplicates: 0, distinctMessages: DEVICES * 2 });
});

test('what somebody paused by hand stays paused when the stop is lifted', async () => {
  const taskId = await startTask(shop);
  await until(counts, ({ processed }) => processed > 300);
  await callAction(shop, shop.marketer, taskId, 'pause');
  await stop();
  expect((await lift()).body.resumed).toEqual([]);
  expect(await readTask(shop, taskId)).toMatchObject({ status: 'paused', statusReason: null });
});

test('with no worker running a stop holds at once, and lifting it leaves the push to go on when one comes', async () => {
  const taskId = await startTask(shop, { pushAt: new Date(Date.now() + 1500).toISOString() });
  await world.stopWorkers();
  await stop();
  await world.startWorkers();
  await taskIn(shop, taskId, 'paused');
  expect((await counts()).processed).toBe(0);
  await world.stopWorkers();
  const { status, body } = await lift();
  expect({ status, resumed: body.resumed }).toEqual({ status: 200, resumed: [taskId] });
  await world.startWorkers();
  await taskIn(shop, taskId, 'collecting');
  expect(await counts()).toMatchObject({ duplicates: 0, distinctDevices: DEVICES });
});

test('a task that nobody could tell is told by housekeeping', async () => {
  const taskId = await startTask(shop);
  await stop();
  await taskIn(shop, taskId, 'paused');
  // As when the API died right after it had lifted the stop.
  await world.db.deleteFrom('app_stops').where('app_id', '=', shop.appId).execute();
  await world.db
    .updateTable('apps')
    .set({ stopped_at: null, resumed_by: shop.operator.personId })
    .where('id', '=', shop.appId)
    .execute();
  const { workflow } = world.env.client;
  await workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 300, graceMs: 60_000 }],
  });
  await taskIn(shop, taskId, 'collecting');
  await workflow.getHandle(HOUSEKEEPING).terminate();
});
