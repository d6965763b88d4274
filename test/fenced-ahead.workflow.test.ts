import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { fenceTask, type RequestedState } from '../db/ledger/push-control.ts';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { expectAllSentOnce } from './world/figures.ts';
import { callAction, openShopWithDevices } from './world/shop.ts';
import { pushIdOf, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 40;

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

/** Starts a push that finds itself fenced when it opens, before its task is told. */
async function startFenced(wanted: RequestedState): Promise<string> {
  await world.simulators.control.reset();
  return await world.db.transaction().execute(async (trx) => {
    // Nothing is prepared while the lock is held.
    await sql`lock table leases in share row exclusive mode`.execute(trx);
    const id = await startTask(shop);
    await until(
      () => fenceTask(world.db, { taskId: id, wanted }),
      (fenced) => fenced === 1,
    );
    return id;
  });
}

test('a pause is answered like any other when the push sees the fence before its task is told', async () => {
  const taskId = await startFenced('pause');
  expect(await callAction(shop, shop.marketer, taskId, 'pause')).toMatchObject({
    status: 200,
    body: { status: 'paused', pending: false },
  });
  expect((await taskIn(shop, taskId, 'paused')).statusReason).toBeNull();
  expect((await world.simulators.control.counts()).requests).toBe(0);
  expect(await callAction(shop, shop.marketer, taskId, 'resume')).toMatchObject({ status: 200 });
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('a cancel is answered like any other when the push sees the fence before its task is told', async () => {
  const taskId = await startFenced('cancel');
  expect(await callAction(shop, shop.marketer, taskId, 'cancel')).toMatchObject({
    status: 200,
    body: { status: 'cancelled' },
  });
  expect((await world.simulators.control.counts()).requests).toBe(0);
});

test('when the API that fenced the push died before telling the task, the task is paused with a reason', async () => {
  const taskId = await startFenced('pause');
  expect((await taskIn(shop, taskId, 'paused')).statusReason).toBe('paused');
  expect((await world.simulators.control.counts()).requests).toBe(0);
  expect(await callAction(shop, shop.marketer, taskId, 'resume')).toMatchObject({ status: 200 });
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
  await recordHistory(world, pushIdOf(taskId), 'push-fenced-ahead');
});
