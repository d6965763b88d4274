import { sql } from 'kysely';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { readStatistics } from '../db/statistics.ts';
import { reconcile } from '../domain/metrics.ts';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { openShopWithDevices, verb } from './world/shop.ts';
import { startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 45_000;
const FIRST = 20_000;

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

/** A push whose later parts wait, until the function that is answered is called. */
async function startHeldPush(): Promise<{ taskId: string; letGo: () => Promise<void> }> {
  await world.simulators.control.reset();
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  // Only they read it.
  const holding = world.db.transaction().execute(async (trx) => {
    await sql`lock table device_tokens in access exclusive mode`.execute(trx);
    locked.resolve();
    await held.promise;
  });
  const letGo = async () => {
    held.resolve();
    await holding;
  };
  onTestFinished(letGo);
  await locked.promise;
  return { taskId: await startTask(shop), letGo };
}

const counts = () => world.simulators.control.counts();

async function figuresOf(taskId: string) {
  const push = await world.db
    .selectFrom('pushes')
    .select('no')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  const answer = await readStatistics(world.db, { pushNo: push.no, now: await world.clock() });
  if (answer === undefined) throw new Error('no statistics');
  expect(reconcile(answer.statistics)).toEqual([]);
  return answer.statistics;
}

async function expectAllSentOnce(taskId: string): Promise<void> {
  await taskIn(shop, taskId, 'collecting');
  expect(await figuresOf(taskId)).toMatchObject({ planned: DEVICES, pending: 0, notSent: 0, sent: DEVICES });
  expect(await counts()).toMatchObject({ duplicates: 0, distinctDevices: DEVICES });
}

test('the first devices of a large audience are sent to while the others are prepared', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed === FIRST);
  await until(
    () => figuresOf(taskId),
    ({ sent }) => sent === FIRST,
  );
  expect(await figuresOf(taskId)).toMatchObject({ planned: FIRST, pending: 0 });
  await taskIn(shop, taskId, 'sending');
  await letGo();
  await expectAllSentOnce(taskId);
  await recordHistory(world, taskId.replace('task-', 'push-').concat('-1'), 'push-in-parts');
});

test('a push is paused meanwhile, and sends to all once it is resumed', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed > 1_000);
  expect(await verb(shop, shop.marketer, taskId, 'pause')).toMatchObject({
    body: { status: 'paused', pending: false },
  });
  const { requests } = await counts();
  await letGo();
  await until(
    () => figuresOf(taskId),
    ({ planned }) => planned === DEVICES,
  );
  expect((await counts()).requests).toBe(requests);
  expect((await verb(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await expectAllSentOnce(taskId);
});

test('a cancel meanwhile is acknowledged at once, and every device of the audience has that reason', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed > 1_000);
  expect(await verb(shop, shop.marketer, taskId, 'cancel')).toMatchObject({
    body: { status: 'cancelled', pending: false },
  });
  const { requests } = await counts();
  await letGo();
  await until(
    () => figuresOf(taskId),
    ({ planned, pending }) => planned === DEVICES && pending === 0,
  );
  const { sent, notSent, notSentReasons } = await figuresOf(taskId);
  expect(sent + notSent).toBe(DEVICES);
  expect(notSentReasons['cancelled']).toBe(notSent);
  expect((await counts()).requests).toBe(requests);
});
