import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { expectAllSentOnce, figuresOf } from './world/figures.ts';
import { callAction, createTask, everybody, openShopWithDevices, submitAndApprove } from './world/shop.ts';
import { startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 3000;
const SLOW = { delayMs: { min: 20, max: 60 } };

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

async function startPush(): Promise<string> {
  await world.simulators.control.reset();
  await world.simulators.control.change({ apns: SLOW, fcm: SLOW });
  return await startTask(shop);
}

const counts = () => world.simulators.control.counts();
const processedAtLeast = (n: number) => until(counts, ({ processed }) => processed >= n);
/** The machine's monotonic clock, as in the simulators' log. */
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

test('a paused task starts no request until it is resumed, and then sends the rest once', async () => {
  const taskId = await startPush();
  for (const share of [0.1, 0.3, 0.5]) {
    await processedAtLeast(DEVICES * share);
    const paused = await callAction(shop, shop.marketer, taskId, 'pause');
    const acknowledgedAt = monotonicMs();
    expect(paused).toMatchObject({ status: 200, body: { status: 'paused', pending: false } });
    const statistics = await figuresOf(world, taskId);
    expect(statistics.pending).toBeGreaterThan(0);
    expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(409);
    const resumedAt = monotonicMs();
    expect(await callAction(shop, shop.marketer, taskId, 'resume')).toMatchObject({
      status: 200,
      body: { status: 'sending', pushes: [{ status: 'sending', reason: null }] },
    });
    expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(409);
    const log = await world.simulators.control.log();
    expect(log.filter(({ mono }) => mono > acknowledgedAt && mono < resumedAt)).toEqual([]);
  }
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('nothing is written between the acknowledgement of a pause and the resume', async () => {
  const taskId = await startPush();
  await processedAtLeast(DEVICES * 0.2);
  await callAction(shop, shop.marketer, taskId, 'pause');
  const before = await counts();
  // The same senders send the whole push of another app during the pause.
  const other = await openShopWithDevices(world, 50);
  await taskIn(other, await startTask(other), 'collecting');
  expect((await counts()).requests).toBe(before.requests + 50);
  await callAction(shop, shop.marketer, taskId, 'resume');
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('a cancelled push sends no more, and every device that was not sent has that reason', async () => {
  const taskId = await startPush();
  await processedAtLeast(DEVICES * 0.2);
  const cancelled = await callAction(shop, shop.marketer, taskId, 'cancel');
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  const statistics = await figuresOf(world, taskId);
  expect(statistics.pending).toBe(0);
  expect(statistics.notSentReasons['cancelled']).toBe(statistics.notSent);
  expect(statistics.sent + statistics.notSent).toBe(DEVICES);
  expect((await counts()).processed).toBe(statistics.sent);
  expect((await callAction(shop, shop.marketer, taskId, 'cancel')).status).toBe(409);
});

test('a credential that is refused pauses the push with the reason, and a resume after the fix sends all', async () => {
  await world.simulators.control.change({ apns: { credentialRevoked: true } });
  const taskId = await startPush();
  const paused = await taskIn(shop, taskId, 'paused');
  expect(paused.statusReason).toContain('InvalidProviderToken');
  await world.simulators.control.change({ apns: { credentialRevoked: false } });
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('tokens of a wrong environment pause the push before thousands fail, and stay good', async () => {
  const wrong = { answerWith: { status: 400, reason: 'BadDeviceToken' } };
  await world.simulators.control.change({ apns: wrong });
  onTestFinished(() => world.simulators.control.change({ apns: { answerWith: null } }));
  const ios = await createTask(shop, { audience: { id: await everybody(shop) }, platforms: ['ios'] });
  await world.simulators.control.reset();
  await submitAndApprove(shop, ios);
  const paused = await taskIn(shop, ios, 'paused');
  expect(paused.statusReason).toContain('too many tokens were rejected');
  expect((await figuresOf(world, ios)).failures).toBeLessThan(DEVICES / 2 / 2);
  await world.simulators.control.change({ apns: { answerWith: null } });
  expect((await callAction(shop, shop.marketer, ios, 'resume')).status).toBe(200);
  await taskIn(shop, ios, 'collecting');
  const invalid = await world.db
    .selectFrom('devices')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('token_state', '=', 'invalid')
    .executeTakeFirstOrThrow();
  expect(Number(invalid.count)).toBe(0);
});

test('sending survives GOAWAYs, throttling and unavailability; refused attempts are counted apart', async () => {
  const trouble = {
    goawayEveryStreams: 150,
    shareThrottled: 0.02,
    shareUnavailable: 0.02,
    retryAfterSeconds: 0,
  };
  const calm = { goawayEveryStreams: 0, shareThrottled: 0, shareUnavailable: 0 };
  await world.simulators.control.change({ apns: trouble, fcm: trouble });
  onTestFinished(() => world.simulators.control.change({ apns: calm, fcm: calm }));
  const taskId = await startPush();
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
  const { refusedAttempts } = await figuresOf(world, taskId);
  expect(refusedAttempts).toBeGreaterThan(0);
});

test('a worker that stops in the middle of a push hands over to the next', async () => {
  const taskId = await startPush();
  await processedAtLeast(DEVICES * 0.2);
  await world.stopWorkers();
  await world.startWorkers();
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

const RATE = 100;
/** Senders look for a new rate every 250 ms; claims granted before that are written by then, too. */
const IN_EFFECT_MS = 500;
const SENT_AT_RATE = 150;
/** Each of the four lanes may write one grant of a twentieth of a second's rate ahead of its time. */
const GRANTED_AHEAD = 4 * (RATE / 20);

test('the rate of a push can be set while it sends', async () => {
  const taskId = await startPush();
  const rate = (ratePerSecond: number | null) =>
    shop.call(shop.marketer, 'PUT', `/v1/tasks/${taskId}/rate`, { ratePerSecond });
  expect((await rate(RATE)).status).toBe(200);
  const inEffectAt = monotonicMs() + IN_EFFECT_MS;
  const startedAtRate = async () =>
    (await world.simulators.control.log()).map(({ mono }) => mono).filter((mono) => mono > inEffectAt);
  const starts = await until(startedAtRate, ({ length }) => length >= SENT_AT_RATE);
  const seconds = (Math.max(...starts) - inEffectAt) / 1000;
  expect(starts.length).toBeLessThanOrEqual(GRANTED_AHEAD + RATE * seconds);
  expect((await rate(null)).status).toBe(200);
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});

test('the rate of a credential holds for its channel alone', async () => {
  const rate = (ratePerSecond: number | null) =>
    shop.call(shop.operator, 'PUT', '/v1/app/credentials/fcm/rate', { ratePerSecond });
  expect(await rate(200)).toMatchObject({ status: 200, body: { channel: 'fcm', ratePerSecond: 200 } });
  const taskId = await startPush();
  await processedAtLeast(800);
  const log = await world.simulators.control.log();
  const times = log.filter(({ channel }) => channel === 'fcm').map(({ at }) => at);
  const seconds = (Math.max(...times) - Math.min(...times)) / 1000;
  expect(times.length / seconds).toBeLessThan(200 * 1.3);
  expect((await rate(null)).status).toBe(200);
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
});
