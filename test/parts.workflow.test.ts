import { sql } from 'kysely';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { expectAllSentOnce, figuresOf } from './world/figures.ts';
import { callAction, openShopWithDevices } from './world/shop.ts';
import { pushIdOf, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 45_000;
const FIRST = 20_000;

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

/** Starts a push whose later parts wait until the returned function is called. */
async function startHeldPush(): Promise<{ taskId: string; letGo: () => Promise<void> }> {
  await world.simulators.control.reset();
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  // Only the preparation of later parts reads this table.
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

test('the first devices of a large audience are sent to while the others are prepared', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed === FIRST);
  await until(
    () => figuresOf(world, taskId),
    ({ sent }) => sent === FIRST,
  );
  expect(await figuresOf(world, taskId)).toMatchObject({ planned: FIRST, pending: 0 });
  await taskIn(shop, taskId, 'sending');
  await letGo();
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
  await recordHistory(world, pushIdOf(taskId), 'push-in-parts');
});

test('a push paused while parts are prepared sends to all devices once it is resumed', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed > 1_000);
  expect(await callAction(shop, shop.marketer, taskId, 'pause')).toMatchObject({
    body: { status: 'paused', pending: false },
  });
  const { requests } = await counts();
  await letGo();
  await until(
    () => figuresOf(world, taskId),
    ({ planned }) => planned === DEVICES,
  );
  expect((await counts()).requests).toBe(requests);
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('a cancel while parts are prepared is acknowledged at once, and every device of the audience has that reason', async () => {
  const { taskId, letGo } = await startHeldPush();
  await until(counts, ({ processed }) => processed > 1_000);
  expect(await callAction(shop, shop.marketer, taskId, 'cancel')).toMatchObject({
    body: { status: 'cancelled', pending: false },
  });
  const { requests } = await counts();
  await letGo();
  await until(
    () => figuresOf(world, taskId),
    ({ planned, pending }) => planned === DEVICES && pending === 0,
  );
  const { sent, notSent, notSentReasons } = await figuresOf(world, taskId);
  expect(sent + notSent).toBe(DEVICES);
  expect(notSentReasons['cancelled']).toBe(notSent);
  expect((await counts()).requests).toBe(requests);
});
