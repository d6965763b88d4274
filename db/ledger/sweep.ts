import { type RawBuilder, sql } from 'kysely';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { NotSentReason } from '../../domain/pushes/reasons.ts';
import type { Db } from '../core/database.ts';
import { sendingHourSql } from './hours.ts';
import { deliveriesOf } from './partitions.ts';
import { countSettled, PENDING_LEFT, SETTLED_COLUMNS } from './settle.ts';

export interface LeaseOfPush {
  readonly pushNo: number;
  readonly leaseNo: number;
  readonly partitionStart: Date;
  readonly now: Date;
}

const IN_FLIGHT = sql`d.status = ${STATUS_CODE.pending} and d.delivery_no <= lease.claimed_to`;
const UNSENT = sql`(
  d.status = ${STATUS_CODE.retry}
  or (d.status = ${STATUS_CODE.pending} and d.delivery_no > lease.claimed_to)
)`;

/** Rows that were in flight when their sender died are ambiguous: written perhaps, answered never. */
export async function sweepInFlight(db: Db, lease: LeaseOfPush): Promise<number> {
  return await settleRest(db, lease, {
    status: STATUS_CODE.ambiguous,
    reason: 'sender_died',
    where: IN_FLIGHT,
  });
}

/** The sweep of a task that sends such rows again, unless a receipt says that the message arrived. */
export async function putBackInFlight(db: Db, lease: LeaseOfPush): Promise<number> {
  const where = sql`${IN_FLIGHT} and d.delivered_at is null`;
  return await settleRest(db, lease, { status: STATUS_CODE.retry, reason: null, where });
}

/** Rows that no sender claimed will not be sent any more. */
export async function abandonUnsent(db: Db, lease: LeaseOfPush, reason: NotSentReason): Promise<number> {
  return await settleRest(db, lease, { status: STATUS_CODE.not_sent, reason, where: UNSENT });
}

/**
 * Rows that wait for these devices are not sent any more. A sender that has them in flight settles them
 * first.
 */
export async function abandonDevices(
  db: Db,
  lease: LeaseOfPush,
  { deviceNos, reason }: { deviceNos: readonly number[]; reason: NotSentReason },
): Promise<number> {
  const where = sql`${UNSENT} and d.device_no = any(${deviceNos}::bigint[])`;
  return await settleRest(db, lease, { status: STATUS_CODE.not_sent, reason, where });
}

/** How many requests of the lease were written and have no answer yet. */
export async function countInFlight(db: Db, lease: LeaseOfPush): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)
    from leases lease
    join ${deliveriesOf(lease.partitionStart)} d on d.push_no = lease.push_no
      and d.delivery_no between lease.first_no and lease.last_no
      and ${IN_FLIGHT}
    where lease.push_no = ${lease.pushNo}
      and lease.lease_no = ${lease.leaseNo}`.execute(db);
  return rows[0]?.count ?? 0;
}

type Settlement = { status: number; reason: string | null; where: RawBuilder<unknown> };

async function settleRest(db: Db, lease: LeaseOfPush, to: Settlement): Promise<number> {
  const { rows } = await sql<{ settled: number }>`
    with lease as (
      -- The lock keeps senders from claiming these rows.
      select *
      from leases
      where push_no = ${lease.pushNo} and lease_no = ${lease.leaseNo}
      for update
    ), since as (
      -- The hour of the push under which the rows are counted.
      select ${sendingHourSql(sql`${lease.now}::timestamptz`, sql`coalesce(started_at, created_at)`)} as hour
      from pushes
      where no = ${lease.pushNo}
    ), settled as (
      update ${deliveriesOf(lease.partitionStart)} d
      set status = ${to.status},
        reason = ${to.reason},
        settled_at = ${lease.now}
      from lease
      where d.push_no = lease.push_no
        and d.delivery_no between lease.first_no and lease.last_no
        and ${to.where}
      returning ${SETTLED_COLUMNS}
    ), ${countSettled(lease, sql`(select hour from since)`)}, freed as (
      -- A new version tells a sender that waited for the lock that its view of the rows is stale.
      update leases
      set pending = ${PENDING_LEFT},
        version = version + 1
      where push_no = ${lease.pushNo} and lease_no = ${lease.leaseNo}
    )
    select count(*) as settled
    from settled`.execute(db);
  return rows[0]?.settled ?? 0;
}
