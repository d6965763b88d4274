import { expect, test } from 'vitest';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { type Advance, advanceLease } from './advance.ts';
import { type AcquiredLease, acquireLease, handOverLease, type LeaseToken } from './leases.ts';
import { fencePush, openPush } from './push-control.ts';
import { settleStopped } from './pushes.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const at = { now, startBefore: new Date(now.getTime() + 60_000) };
/** Longer after `now` than a sender that is not heard of is believed to live. */
const afterDeath = { ...at, now: new Date(now.getTime() + 3_000) };

async function openSeeded(size = 20) {
  const { db } = database;
  const person = await seedPerson(db, now);
  const taskId = await seedTask(db, { ...person, now });
  const deliveries = Array.from({ length: size }, (_, index) => ({
    status: 'pending' as const,
    platform: index % 2 === 0 ? ('ios' as const) : ('android' as const),
  }));
  const push = await seedPush(db, { appId: person.appId, taskId, startedAt: now, deliveries });
  await db.deleteFrom('leases').where('push_no', '=', push.no).execute();
  await db
    .insertInto('leases')
    .values({
      push_no: push.no,
      lease_no: 0,
      first_no: 1,
      last_no: size,
      claimed_to: 0,
      draining_until: null,
      pending: [Math.ceil(size / 2), Math.floor(size / 2), 0],
    })
    .execute();
  const { epoch } = await openPush(db, { pushNo: push.no, resume: false });
  return { ...push, epoch };
}

type Seeded = Awaited<ReturnType<typeof openSeeded>>;

function tokenOf(push: Seeded, attempt = 1, epoch = push.epoch): LeaseToken {
  return { pushNo: push.no, leaseNo: 0, epoch, attempt };
}

async function take(token: LeaseToken, when: typeof at & { resends?: boolean } = at): Promise<AcquiredLease> {
  const lease = await acquireLease(database.db, token, when);
  if (lease.kind !== 'acquired') throw new Error(`the lease was ${lease.kind}`);
  return lease;
}

async function advance(push: Seeded, token: LeaseToken, change: Partial<Advance>) {
  const { partitionStart, startedAt } = push;
  const still = {
    partitionStart,
    startedAt,
    results: [],
    claimedTo: 0,
    claimTo: 0,
    isEnding: false,
    retries: [],
    now,
  };
  return await advanceLease(database.db, token, { ...still, ...change });
}

async function figures(push: Seeded) {
  const { db } = database;
  const live = await readStatistics(db, { pushNo: push.no, now });
  const recount = await recountStatistics(db, { pushNo: push.no, partitionStart: push.partitionStart });
  expect(live?.statistics.pending).toBe(recount.pending);
  expect(live?.statistics.sent).toBe(recount.sent);
  expect(live?.statistics.failureReasons).toEqual(recount.failureReasons);
  return recount;
}

test('a claim gives each device once, and settling counts it once', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  const first = await advance(push, token, { claimTo: 4 });
  expect(first.claimed.map(({ deliveryNo }) => deliveryNo).sort()).toEqual([1, 2, 3, 4]);
  const results = [
    { deliveryNo: 1, status: 'accepted', reason: null },
    { deliveryNo: 2, status: 'rejected', reason: 'UNREGISTERED' },
    { deliveryNo: 4, status: 'retry', reason: 'QUOTA_EXCEEDED' },
  ] as const;
  const second = await advance(push, token, { results, claimedTo: 4, claimTo: 6 });
  expect(second.claimed.map(({ deliveryNo }) => deliveryNo).sort()).toEqual([5, 6]);
  await advance(push, token, { results, claimedTo: 6, claimTo: 6 });
  expect(await figures(push)).toMatchObject({
    sent: 2,
    success: 1,
    failures: 1,
    pending: 18,
    refusedAttempts: 1,
  });
  const again = await advance(push, token, { claimedTo: 6, claimTo: 6, retries: [4] });
  expect(again.claimed.map(({ deliveryNo }) => deliveryNo)).toEqual([4]);
});

test('a call that is made again because its answer was lost gives the same devices again', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  const results = [
    { deliveryNo: 1, status: 'accepted', reason: null },
    { deliveryNo: 3, status: 'retry', reason: 'ServiceUnavailable' },
  ] as const;
  await advance(push, token, { results, claimedTo: 4, claimTo: 4 });
  const call = {
    results: [{ deliveryNo: 2, status: 'accepted', reason: null }],
    claimedTo: 4,
    claimTo: 6,
    retries: [3],
  } as const;
  const numbers = async () =>
    (await advance(push, token, call)).claimed.map(({ deliveryNo }) => deliveryNo).sort();
  expect(await numbers()).toEqual([3, 5, 6]);
  expect(await numbers()).toEqual([3, 5, 6]);
  expect(await figures(push)).toMatchObject({ pending: 18, sent: 2, refusedAttempts: 1 });
});

test('once a fence has committed nothing is claimed, but answers are still settled', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  await fencePush(database.db, { pushNo: push.no, wanted: 'pause' });
  const results = [{ deliveryNo: 1, status: 'accepted', reason: null }] as const;
  const fenced = await advance(push, token, { results, claimedTo: 4, claimTo: 8 });
  expect(fenced).toMatchObject({ held: true, open: false, claimed: [] });
  expect(await figures(push)).toMatchObject({ sent: 1 });
  expect((await acquireLease(database.db, tokenOf(push, 2), at)).kind).toBe('fenced');
});

test('an opening does not undo a requested pause; a resume does', async () => {
  const push = await openSeeded();
  await fencePush(database.db, { pushNo: push.no, wanted: 'pause' });
  const opened = await openPush(database.db, { pushNo: push.no, resume: false });
  expect(opened.wanted).toBe('pause');
  expect((await acquireLease(database.db, tokenOf(push, 1, opened.epoch), at)).kind).toBe('fenced');
  const resumed = await openPush(database.db, { pushNo: push.no, resume: true });
  expect(resumed.wanted).toBeNull();
  await take(tokenOf(push, 1, resumed.epoch));
});

test('rows that a dead sender had in flight are ambiguous, and rows that it had not claimed are sent by the next', async () => {
  const push = await openSeeded();
  const dead = tokenOf(push);
  await take(dead);
  await advance(push, dead, { claimTo: 4 });
  await advance(push, dead, {
    claimedTo: 4,
    claimTo: 4,
    results: [{ deliveryNo: 1, status: 'accepted', reason: null }],
  });
  const next = tokenOf(push, 2);
  const lease = await take(next, afterDeath);
  expect(lease.claimedTo).toBe(4);
  // Of 2, 3 and 4 the iOS one is a failure until a receipt says otherwise.
  expect(await figures(push)).toMatchObject({ sent: 4, success: 1, failures: 1, noFeedback: 2, pending: 16 });
  const rest = await advance(push, next, { claimedTo: 4, claimTo: 20 });
  expect(rest.claimed).toHaveLength(16);
});

test('a task that sends again sends the rows that a dead sender had in flight, except those that arrived', async () => {
  const push = await openSeeded();
  const dead = tokenOf(push);
  await take(dead);
  await advance(push, dead, { claimTo: 4 });
  await database.db
    .updateTable('deliveries')
    .set({ delivered_at: now })
    .where('push_no', '=', push.no)
    .where('delivery_no', '=', 2)
    .execute();
  const next = tokenOf(push, 2);
  const lease = await take(next, { ...afterDeath, resends: true });
  expect(lease.retries).toEqual([1, 3, 4]);
  expect(await figures(push)).toMatchObject({ sent: 1, pending: 19 });
  const again = await advance(push, next, { claimedTo: 4, claimTo: 4, retries: lease.retries });
  expect(again.claimed.map(({ deliveryNo }) => deliveryNo).sort()).toEqual([1, 3, 4]);
});

test('a stale sender neither writes nor takes its lease back', async () => {
  const push = await openSeeded();
  const stale = tokenOf(push);
  await take(stale);
  await advance(push, stale, { claimTo: 4 });
  await take(tokenOf(push, 2), afterDeath);
  const results = [{ deliveryNo: 1, status: 'accepted', reason: null }] as const;
  expect(await advance(push, stale, { results, claimedTo: 4, claimTo: 8 })).toMatchObject({
    held: false,
    claimed: [],
  });
  expect((await acquireLease(database.db, stale, at)).kind).toBe('superseded');
  expect(await figures(push)).toMatchObject({ sent: 4, success: 0 });
});

test('a lease that was handed over waits for its answers before the next sender takes it', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  await handOverLease(database.db, token, new Date(now.getTime() + 10_000));
  await fencePush(database.db, { pushNo: push.no, wanted: 'pause' });
  const stopped = await settleStopped(database.db, {
    pushNo: push.no,
    partitionStart: push.partitionStart,
    now,
    abandon: null,
  });
  expect(stopped.inFlight).toBe(4);
  const { epoch } = await openPush(database.db, { pushNo: push.no, resume: true });
  expect((await acquireLease(database.db, tokenOf(push, 1, epoch), at)).kind).toBe('draining');
  const results = [1, 2, 3, 4].map(
    (deliveryNo) => ({ deliveryNo, status: 'accepted', reason: null }) as const,
  );
  expect(await advance(push, token, { results, claimedTo: 4, claimTo: 4 })).toMatchObject({ held: true });
  await take(tokenOf(push, 1, epoch));
  expect(await figures(push)).toMatchObject({ sent: 4, pending: 16 });
});

test('a cancelled push has a reason for every device that was not sent', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  await fencePush(database.db, { pushNo: push.no, wanted: 'cancel' });
  const stop = { pushNo: push.no, partitionStart: push.partitionStart, now, abandon: 'cancelled' } as const;
  expect(await settleStopped(database.db, stop)).toEqual({ inFlight: 0, drainedAt: null });
  const statistics = await figures(push);
  expect(statistics).toMatchObject({ pending: 0, sent: 4, notSent: 16, notSentReasons: { cancelled: 16 } });
});

test('a lease does not start a push that is too late; one that has started goes on', async () => {
  const push = await openSeeded();
  const late = { now, startBefore: now };
  await database.db.updateTable('pushes').set({ started_at: null }).where('no', '=', push.no).execute();
  expect((await acquireLease(database.db, tokenOf(push), late)).kind).toBe('late');
  await take(tokenOf(push));
  await handOverLease(database.db, tokenOf(push), null);
  expect((await acquireLease(database.db, tokenOf(push, 2), late)).kind).toBe('acquired');
});

test('a living sender is asked to release its lease, and its rows in flight are settled by their answers', async () => {
  const push = await openSeeded();
  const alive = tokenOf(push);
  await take(alive);
  await advance(push, alive, { claimTo: 4 });
  const next = tokenOf(push, 2);
  expect((await acquireLease(database.db, next, at)).kind).toBe('draining');
  expect(await advance(push, alive, { claimedTo: 4, claimTo: 8 })).toMatchObject({
    held: true,
    open: false,
    claimed: [],
  });
  await handOverLease(database.db, alive, new Date(now.getTime() + 10_000));
  expect((await acquireLease(database.db, next, at)).kind).toBe('draining');
  const results = [1, 2, 3, 4].map(
    (deliveryNo) => ({ deliveryNo, status: 'accepted', reason: null }) as const,
  );
  await advance(push, alive, { results, claimedTo: 4, claimTo: 4 });
  expect((await take(next)).claimedTo).toBe(4);
  expect(await figures(push)).toMatchObject({ sent: 4, success: 2, noFeedback: 2, pending: 16 });
});

test('rows of a claim without an answer are free again once its sender says that none was written', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  const results = [1, 2, 3, 4].map(
    (deliveryNo) => ({ deliveryNo, status: 'accepted', reason: null }) as const,
  );
  await advance(push, token, { results, claimedTo: 4, claimTo: 12 });
  await fencePush(database.db, { pushNo: push.no, wanted: 'pause' });
  await advance(push, token, { claimedTo: 4, claimTo: 4, isEnding: true });
  const stopped = await settleStopped(database.db, {
    pushNo: push.no,
    partitionStart: push.partitionStart,
    now,
    abandon: null,
  });
  expect(stopped.inFlight).toBe(0);
  expect(await figures(push)).toMatchObject({ sent: 4, pending: 16 });
});

test('a call that lingered after its connection broke does not undo what was claimed since', async () => {
  const push = await openSeeded();
  const token = tokenOf(push);
  await take(token);
  await advance(push, token, { claimTo: 4 });
  await advance(push, token, { claimedTo: 4, claimTo: 12 });
  await advance(push, token, { claimTo: 4 });
  await fencePush(database.db, { pushNo: push.no, wanted: 'pause' });
  await advance(push, token, { claimTo: 4 });
  await settleStopped(database.db, {
    pushNo: push.no,
    partitionStart: push.partitionStart,
    now,
    abandon: null,
  });
  expect(await figures(push)).toMatchObject({ sent: 12, pending: 8 });
});
