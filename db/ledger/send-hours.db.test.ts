import { expect, test } from 'vitest';
import { reconcileVariants } from '../../domain/pushes/metrics.ts';
import {
  preparePush,
  type SeededDevice,
  seedDevices,
  soundFigures,
} from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { finalisePush } from '../statistics/finalise.ts';
import { advanceLease } from './advance.ts';
import { readHours } from './hours.ts';
import { acquireLease } from './leases.ts';
import { openPush } from './push-control.ts';
import { settleStopped } from './pushes.ts';
import type { Settled } from './results-by-number.ts';

const database = useTestDatabase();
const HOUR = 3_600_000;
const START = new Date('2026-11-22T10:10:00Z');
const after = (ms: number) => new Date(START.getTime() + ms);

const DEVICES: readonly SeededDevice[] = [
  { id: 'a', locale: 'de-AT' },
  { id: 'b', locale: 'en' },
  { id: 'c', platform: 'android', channel: 'fcm', locale: 'de' },
  { id: 'd', platform: 'android', channel: 'fcm', locale: 'fr' },
];
const content = { title: 't', body: 'b', locales: { de: { title: 'x' }, fr: { title: 'y' } } };

/** A push to four devices in four variants, whose only lease is taken. */
async function sending() {
  const { db } = database;
  const app = await seedDevices(db, DEVICES, START);
  const push = await preparePush(db, app, { content }, START);
  const { epoch } = await openPush(db, { pushNo: push.no, resume: false });
  const token = { pushNo: push.no, leaseNo: 0, epoch, attempt: 1 };
  const lease = await acquireLease(db, token, { now: START, startBefore: after(60_000) });
  if (lease.kind !== 'acquired') throw new Error(`the lease was ${lease.kind}`);
  const { partitionStart, startedAt } = lease;
  const settle = async (now: Date, claimedTo: number, results: readonly Settled[]) => {
    const range = { claimedTo, claimTo: 4, isEnding: false, retries: [], results };
    await advanceLease(db, token, { partitionStart, startedAt, now, ...range });
  };
  await settle(START, 0, []);
  return { push, settle };
}

const sent = async (pushNo: number) =>
  (await readHours(database.db, pushNo)).flatMap(({ hour, platform, metric, value }) =>
    metric === 'sent' ? [{ hour, platform, value }] : [],
  );

test('sends are counted in the hour and the variant in which they were settled, and frozen so', async () => {
  const { db } = database;
  const { push, settle } = await sending();
  // The clock of a sender may be behind.
  await settle(after(-1), 4, [{ deliveryNo: 1, status: 'accepted', reason: null }]);
  await settle(after(HOUR - 1), 4, [{ deliveryNo: 2, status: 'retry', reason: 'TooManyRequests' }]);
  await settle(after(HOUR), 4, [{ deliveryNo: 3, status: 'rejected', reason: 'UNREGISTERED' }]);
  await settle(after(2 * HOUR), 4, [{ deliveryNo: 4, status: 'ambiguous', reason: 'timeout' }]);
  const hours = [
    { hour: 0, platform: 0, value: 1 },
    { hour: 1, platform: 1, value: 1 },
    { hour: 2, platform: 1, value: 1 },
  ];
  expect(await sent(push.no)).toEqual(hours);
  const figures = await soundFigures(db, push, after(2 * HOUR));
  expect(reconcileVariants(figures)).toEqual([]);
  expect(figures.variants).toMatchObject({
    'android/de': { planned: 1, sent: 1, failures: 1 },
    'android/fr': { planned: 1, sent: 1, noFeedback: 1 },
    ios: { planned: 1, pending: 1, sent: 0, refusedAttempts: 1 },
    'ios/de': { planned: 1, sent: 1, success: 1 },
  });
  expect(Object.keys(figures.variants)).toHaveLength(4);

  // The remaining rows are abandoned, which is no send.
  await settleStopped(db, {
    pushNo: push.no,
    partitionStart: push.partitionStart,
    now: after(3 * HOUR),
    abandon: 'cancelled',
  });
  const live = await soundFigures(db, push, after(3 * HOUR));
  expect(await finalisePush(db, { push, now: after(72 * HOUR) })).toEqual([]);
  expect(await sent(push.no)).toEqual(hours);
  expect(await soundFigures(db, push, after(72 * HOUR))).toEqual(live);
});

test('rows that a dead sender left in flight were sent in the hour of the sweep', async () => {
  const { db } = database;
  const { push } = await sending();
  await settleStopped(db, {
    pushNo: push.no,
    partitionStart: push.partitionStart,
    now: after(90 * 60_000),
    abandon: null,
  });
  expect(await sent(push.no)).toEqual([
    { hour: 1, platform: 0, value: 2 },
    { hour: 1, platform: 1, value: 2 },
  ]);
  expect(await finalisePush(db, { push, now: after(72 * HOUR) })).toEqual([]);
});
