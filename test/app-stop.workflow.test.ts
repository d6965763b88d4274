import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { liftStop } from '../db/apps/app-stop.ts';
import { newId } from '../domain/ids.ts';
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

test('one request stops all pushes of the app, one resumes them, and every device gets each push once', async () => {
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

  // The second task is approved while the stop holds.
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

test('a task paused by hand stays paused when the stop is lifted', async () => {
  const taskId = await startTask(shop);
  await until(counts, ({ processed }) => processed > 300);
  await callAction(shop, shop.marketer, taskId, 'pause');
  await stop();
  expect((await lift()).body.resumed).toEqual([]);
  expect(await readTask(shop, taskId)).toMatchObject({ status: 'paused', statusReason: null });
});

test('with no worker running a stop holds at once, and once lifted the next worker sends the push', async () => {
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

test('housekeeping resumes a task when the API died between lifting the stop and telling the task', async () => {
  const taskId = await startTask(shop);
  await stop();
  await taskIn(shop, taskId, 'paused');
  const { appId, operator } = shop;
  const now = await world.clock();
  const id = newId('origin', randomBytes);
  const origin = { id, appId, keyId: 'key-0000000000', at: now, ip: null, userAgent: null };
  await liftStop(world.db, { appId, personId: operator.personId, origin, now });
  expect(await readTask(shop, taskId)).toMatchObject({
    status: 'paused',
    statusReason: 'the app is stopped',
  });
  const { workflow } = world.env.client;
  await workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 300, graceMs: 60_000 }],
  });
  await taskIn(shop, taskId, 'collecting');
  await workflow.getHandle(HOUSEKEEPING).terminate();
  expect(await counts()).toMatchObject({ duplicates: 0, distinctDevices: DEVICES });
  // The operator did nothing else to this task: the resume is recorded in their name.
  const audit = await shop.call<{ items: { personId: string }[] }>(
    operator,
    'GET',
    `/v1/tasks/${taskId}/audit`,
  );
  expect(audit.body.items.filter(({ personId }) => personId === operator.personId)).toHaveLength(1);
});
