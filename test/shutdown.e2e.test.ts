import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { STATUS_CODE } from '../domain/pushes/delivery.ts';
import { Marketer } from './faults/pushes.ts';
import { openScene } from './faults/scene.ts';
import { awaitFinish } from './faults/watchdog.ts';
import { until } from './wait.ts';

const DEVICES = 4_000;
/** Answers take longer than a stopped sender waits before it releases its leases. */
const SLOW = { delayMs: { min: 500, max: 900 }, shareUnregistered: 0, shareBadToken: 0 };
const OPTIONS = {
  seed: 0,
  devices: DEVICES,
  temporal: 'dev',
  rounds: 1,
  storms: 1,
  say: () => undefined,
} as const;

test('a sender that is told to stop settles its requests in flight: no outcome is unknown, each device gets the push once', async () => {
  const scene = await openScene(OPTIONS);
  onTestFinished(scene.close);
  const { control } = scene.simulators;
  await control.change({ apns: SLOW, fcm: SLOW });
  const marketer = new Marketer(scene, DEVICES);
  await marketer.start();
  marketer.stop();
  await marketer.ended;
  const messages = DEVICES * marketer.taskIds.length;

  for (const [index, sender] of scene.senders.entries()) {
    const share = (index + 1) * 0.25;
    await until(control.counts, ({ processed }) => processed >= messages * share);
    // An orchestrator sends SIGTERM, too.
    await sender.stop();
    expect(readFileSync(sender.logFile, 'utf8')).toContain('the worker has stopped');
  }
  const { processed } = await control.counts();
  expect(processed).toBeLessThan(messages);
  for (const sender of scene.senders) await sender.restart();

  expect(await awaitFinish(scene, marketer.taskIds, DEVICES)).toEqual([]);
  const outcomes = await scene.db
    .selectFrom('deliveries')
    .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('status')
    .execute();
  expect(outcomes.map(({ status, count }) => [status, Number(count)])).toEqual([
    [STATUS_CODE.accepted, messages],
  ]);
  expect(await control.counts()).toMatchObject({ duplicates: 0, distinctMessages: messages });
  expect(scene.crashes).toEqual([]);
});
