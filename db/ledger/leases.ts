import { sql, type Transaction, type Updateable } from 'kysely';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { LEASE_SILENT_MS } from '../../domain/pushes/lease-time.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import type { LeasesTable } from '../schema/schema-ledger.ts';
import { deliveriesOf } from './partitions.ts';
import { shareLockOpenPush } from './push-control.ts';
import { ensureStarted } from './pushes.ts';
import { countInFlight, type LeaseOfPush, putBackInFlight, sweepInFlight } from './sweep.ts';

/**
 * Identifies the holder of a lease. Only a higher (epoch, attempt) takes the lease, so that a stale holder
 * can neither write nor take it back.
 */
export interface LeaseToken {
  readonly pushNo: number;
  readonly leaseNo: number;
  readonly epoch: number;
  readonly attempt: number;
}

export interface AcquiredLease {
  readonly kind: 'acquired';
  readonly partitionStart: Date;
  readonly to: number;
  readonly claimedTo: number;
  readonly startedAt: Date;
  /** Devices without a final outcome, by platform code. */
  readonly pending: readonly number[];
  /**
   * Deliveries that were refused without being processed, under an earlier holder. They are to be sent now.
   */
  readonly retries: number[];
}

export type AcquireResult =
  | AcquiredLease
  | { readonly kind: 'fenced' }
  /** The push has not started, and is too late to start now. */
  | { readonly kind: 'late' }
  /** Everything was settled before, and the answer to that was lost. */
  | { readonly kind: 'done' }
  /** A newer holder has the lease. */
  | { readonly kind: 'superseded' }
  /** The last holder still waits for answers, or is alive and has been asked to release the lease. */
  | { readonly kind: 'draining'; readonly until: Date };

/**
 * Takes the lease and sweeps the rows that a dead holder left in flight, in one transaction. The first take
 * starts the push.
 */
export async function acquireLease(
  db: Db,
  token: LeaseToken,
  args: { now: Date; startBefore: Date; resends?: boolean; holder?: string },
): Promise<AcquireResult> {
  const { now, startBefore, resends = false, holder = null } = args;
  return await db.transaction().execute(async (trx) => {
    if (!(await lockOpenControl(trx, token))) return { kind: 'fenced' };
    const lease = await trx
      .selectFrom('leases')
      .selectAll()
      .where('push_no', '=', token.pushNo)
      .where('lease_no', '=', token.leaseNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const isNewer =
      token.epoch > lease.epoch || (token.epoch === lease.epoch && token.attempt > lease.attempt);
    if (lease.done) return { kind: 'done' };
    if (!isNewer) return { kind: 'superseded' };
    const push = await startPush(trx, token.pushNo, now, startBefore);
    if (push === undefined) return { kind: 'late' };
    const expiresAt = lease.seen_at === null ? now : new Date(lease.seen_at.getTime() + LEASE_SILENT_MS);
    if (expiresAt > now) {
      // The holder may be alive although Temporal has not heard of it, and is asked to release the lease
      // first.
      await setLease(trx, token, { recalled: true });
      return { kind: 'draining', until: expiresAt };
    }
    const left = { pushNo: token.pushNo, leaseNo: token.leaseNo, partitionStart: push.partitionStart, now };
    if (lease.draining_until !== null && lease.draining_until > now) {
      if ((await countInFlight(trx, left)) > 0) return { kind: 'draining', until: lease.draining_until };
    }
    const { epoch, attempt } = token;
    await setLease(trx, token, {
      epoch,
      attempt,
      holder,
      draining_until: null,
      seen_at: now,
      recalled: false,
    });
    if (resends) await putBackInFlight(trx, left);
    await sweepInFlight(trx, left);
    return {
      kind: 'acquired',
      partitionStart: push.partitionStart,
      to: lease.last_no,
      claimedTo: lease.claimed_to,
      startedAt: push.startedAt,
      pending: lease.pending,
      retries: await waitingRetries(trx, left, lease.first_no, lease.claimed_to),
    };
  });
}

/**
 * The time from which no sender that kept its lease can start a request any more.
 */
export async function leasesExpireAt(db: Db, pushNo: number): Promise<Date | null> {
  const lease = await db
    .selectFrom('leases')
    .select((eb) => eb.fn.max('seen_at').as('seenAt'))
    .where('push_no', '=', pushNo)
    .where('done', '=', false)
    .executeTakeFirst();
  const seenAt = lease?.seenAt ?? null;
  return seenAt === null ? null : new Date(seenAt.getTime() + LEASE_SILENT_MS);
}

/** A sender gives the lease back. Answers may still come until `until`; null when none is outstanding. */
export async function handOverLease(db: Db, token: LeaseToken, until: Date | null): Promise<void> {
  await db
    .updateTable('leases')
    .set({ draining_until: until, seen_at: null })
    .where('push_no', '=', token.pushNo)
    .where('lease_no', '=', token.leaseNo)
    .where('epoch', '=', token.epoch)
    .where('attempt', '=', token.attempt)
    .execute();
}

async function setLease(
  trx: Transaction<Schema>,
  { pushNo, leaseNo }: LeaseToken,
  change: Updateable<LeasesTable>,
): Promise<void> {
  await trx
    .updateTable('leases')
    .set(change)
    .where('push_no', '=', pushNo)
    .where('lease_no', '=', leaseNo)
    .execute();
}

async function lockOpenControl(trx: Transaction<Schema>, token: LeaseToken): Promise<boolean> {
  const { rows } = await shareLockOpenPush(token).execute(trx);
  return rows.length > 0;
}

async function startPush(
  trx: Transaction<Schema>,
  pushNo: number,
  now: Date,
  startBefore: Date,
): Promise<{ partitionStart: Date; startedAt: Date } | undefined> {
  if (now < startBefore) await ensureStarted(trx, { pushNo, now });
  const push = await trx
    .selectFrom('pushes')
    .select(['partition_start', 'started_at'])
    .where('no', '=', pushNo)
    .executeTakeFirstOrThrow();
  if (push.partition_start === null) throw new Error(`push ${pushNo} was not prepared`);
  return push.started_at === null
    ? undefined
    : { partitionStart: push.partition_start, startedAt: push.started_at };
}

async function waitingRetries(
  trx: Transaction<Schema>,
  { pushNo, partitionStart }: LeaseOfPush,
  from: number,
  claimedTo: number,
): Promise<number[]> {
  const { rows } = await sql<{ delivery_no: number }>`
    select delivery_no
    from ${deliveriesOf(partitionStart)}
    where push_no = ${pushNo}
      and delivery_no between ${from} and ${claimedTo}
      and status = ${STATUS_CODE.retry}
    order by delivery_no`.execute(trx);
  return rows.map((row) => row.delivery_no);
}
