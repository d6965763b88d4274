import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { until } from '../../test/wait.ts';
import type { Db } from '../core/database.ts';
import { advanceLease } from './advance.ts';
import { acquireLease, type LeaseToken } from './leases.ts';
import { fencePush, openPush } from './push-control.ts';
import type { Settled } from './results-by-number.ts';
import { abandonDevices } from './sweep.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const startBefore = new Date(now.getTime() + 60_000);
/** Longer after `now` than a sender that is not heard of is believed to live. */
const afterDeath = new Date(now.getTime() + 3_000);

/** A push of ten devices, its one lease taken; four are claimed. */
async function openClaimed() {
  const { db } = database;
  const person = await seedPerson(db, now);
  const taskId = await seedTask(db, { ...person, now });
  const deliveries = Array.from({ length: 10 }, () => ({ status: 'pending', platform: 'ios' }) as const);
  const { no, partitionStart } = await seedPush(db, {
    appId: person.appId,
    taskId,
    startedAt: now,
    deliveries,
  });
  const { epoch } = await openPush(db, { pushNo: no, resume: false });
  const token = (attempt: number): LeaseToken => ({ pushNo: no, leaseNo: 0, epoch, attempt });
  /** Nothing to settle: the statement that only claims, as usual. */
  async function claim(
    by: LeaseToken,
    from: number,
    to: number,
    { on = db, results = [] }: { on?: Db; results?: readonly Settled[] } = {},
  ) {
    const range = { partitionStart, startedAt: now, claimedTo: from, claimTo: to };
    const { claimed, ...rest } = await advanceLease(on, by, {
      ...range,
      results,
      retries: [],
      isEnding: false,
      now,
    });
    return { ...rest, claimed: claimed.map(({ deliveryNo }) => deliveryNo).sort((a, b) => a - b) };
  }
  const marked = async () =>
    (await db.selectFrom('leases').select('claimed_to').where('push_no', '=', no).executeTakeFirstOrThrow())
      .claimed_to;
  await acquireLease(db, token(1), { now, startBefore });
  expect((await claim(token(1), 0, 4)).claimed).toEqual([1, 2, 3, 4]);
  return { pushNo: no, partitionStart, token, claim, marked };
}

const fence = (pushNo: number, db: Db = database.db) => fencePush(db, { pushNo, wanted: 'pause' });

test('a claim without anything to settle gets no device once a fence has committed', async () => {
  const { pushNo, token, claim, marked } = await openClaimed();
  await fence(pushNo);
  expect(await claim(token(1), 4, 8)).toMatchObject({ held: true, open: false, claimed: [] });
  expect(await marked()).toBe(4);
});

test('a claim of a stale sender without anything to settle gets no device and moves nothing', async () => {
  const { token, claim, marked } = await openClaimed();
  await acquireLease(database.db, token(2), { now: afterDeath, startBefore });
  expect(await claim(token(1), 4, 8)).toMatchObject({ held: false, claimed: [] });
  expect(await marked()).toBe(4);
  expect(await claim(token(2), 4, 8)).toMatchObject({ held: true, open: true, claimed: [5, 6, 7, 8] });
});

test('a claim that meets a fence not yet committed waits for it, and gets no device', async () => {
  const { pushNo, token, claim, marked } = await openClaimed();
  const claiming = await database.db.transaction().execute(async (trx) => {
    await fence(pushNo, trx);
    const waiting = claim(token(1), 4, 8);
    await somebodyWaits();
    return [waiting];
  });
  expect(await claiming[0]).toMatchObject({ held: true, open: false, claimed: [] });
  expect(await marked()).toBe(4);
});

test('a claim not yet committed keeps a fence waiting, and what it got is known to be in flight after it', async () => {
  const { pushNo, token, claim, marked } = await openClaimed();
  const events: string[] = [];
  const fencing = await database.db.transaction().execute(async (trx) => {
    expect((await claim(token(1), 4, 8, { on: trx })).claimed).toEqual([5, 6, 7, 8]);
    const waiting = fence(pushNo).then(() => events.push('fenced'));
    await somebodyWaits();
    events.push('claimed');
    return [waiting];
  });
  await fencing[0];
  expect(events).toEqual(['claimed', 'fenced']);
  expect(await marked()).toBe(8);
  expect(await claim(token(1), 8, 10)).toMatchObject({ open: false, claimed: [] });
});

test.each([
  ['without anything to settle', []],
  ['that settles', [{ deliveryNo: 1, status: 'accepted', reason: null }] as const],
])('a claim %s that waits for an erasure does not get the device of it', async (_, results) => {
  const { db } = database;
  const { pushNo, partitionStart, token, claim } = await openClaimed();
  await sql`update deliveries set device_no = delivery_no where push_no = ${pushNo}`.execute(db);
  const claiming = await db.transaction().execute(async (trx) => {
    const lease = { pushNo, leaseNo: 0, partitionStart, now };
    expect(await abandonDevices(trx, lease, { deviceNos: [6], reason: 'cancelled' })).toBe(1);
    const waiting = claim(token(1), 4, 8, { results });
    await somebodyWaits();
    return [waiting];
  });
  expect(await claiming[0]).toEqual({ held: true, open: true, done: false, claimed: [5, 7, 8] });
  const { pending } = await db
    .selectFrom('leases')
    .select('pending')
    .where('push_no', '=', pushNo)
    .executeTakeFirstOrThrow();
  expect(pending.reduce((sum, count) => sum + count)).toBe(9 - results.length);
});

/** Resolves once a connection to this database waits for a lock. */
async function somebodyWaits(): Promise<void> {
  const waiting = () =>
    database.pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
  await until(waiting, ({ rows }) => rows.length > 0, 10_000);
}
