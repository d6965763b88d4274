import { type Kysely, type RawBuilder, sql } from 'kysely';
import { STATUS_CODE } from '../domain/delivery.ts';
import type { NotSentReason } from '../domain/reasons.ts';
import { sendingHourSql } from './hours.ts';
import type { Schema } from './schema.ts';
import { countSettled, PENDING_LEFT, SETTLED_COLUMNS } from './settle.ts';
import { deliveriesOf } from './slots.ts';

export interface LeaseOfPush {
  readonly pushNo: number;
  readonly leaseNo: number;
  readonly slot: Date;
  readonly now: Date;
}

const IN_FLIGHT = sql`d.status = ${STATUS_CODE.pending} and d.n <= l.mark_n`;
const UNSENT = sql`(d.status = ${STATUS_CODE.retry} or (d.status = ${STATUS_CODE.pending} and d.n > l.mark_n))`;

/** What was in flight when its sender died is ambiguous: written perhaps, answered never. */
export async function sweepInFlight(db: Kysely<Schema>, lease: LeaseOfPush): Promise<number> {
  return await settleRest(db, lease, {
    status: STATUS_CODE.ambiguous,
    reason: 'sender_died',
    where: IN_FLIGHT,
  });
}

/** The same of a task that sends it again, unless a receipt says that it arrived. */
export async function putBackInFlight(db: Kysely<Schema>, lease: LeaseOfPush): Promise<number> {
  const where = sql`${IN_FLIGHT} and d.delivered_at is null`;
  return await settleRest(db, lease, { status: STATUS_CODE.retry, reason: null, where });
}

/** What nobody claimed will not be sent any more. */
export async function abandonUnsent(
  db: Kysely<Schema>,
  lease: LeaseOfPush,
  reason: NotSentReason,
): Promise<number> {
  return await settleRest(db, lease, { status: STATUS_CODE.not_sent, reason, where: UNSENT });
}

/** What waits for these devices is not sent any more; who has them in flight settles them first. */
export async function abandonDevices(
  db: Kysely<Schema>,
  lease: LeaseOfPush,
  { deviceNos, reason }: { deviceNos: readonly number[]; reason: NotSentReason },
): Promise<number> {
  const where = sql`${UNSENT} and d.device_no = any(${deviceNos}::bigint[])`;
  return await settleRest(db, lease, { status: STATUS_CODE.not_sent, reason, where });
}

/** How many of the lease's rows were written to and have no answer yet. */
export async function countInFlight(db: Kysely<Schema>, lease: LeaseOfPush): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from leases l join ${deliveriesOf(lease.slot)} d
      on d.push_no = l.push_no and d.n between l.from_n and l.to_n and ${IN_FLIGHT}
    where l.push_no = ${lease.pushNo} and l.lease_no = ${lease.leaseNo}`.execute(db);
  return rows[0]?.count ?? 0;
}

type Settlement = { status: number; reason: string | null; where: RawBuilder<unknown> };

async function settleRest(db: Kysely<Schema>, lease: LeaseOfPush, to: Settlement): Promise<number> {
  const { rows } = await sql<{ settled: number }>`
    with l as (
      select * from leases where push_no = ${lease.pushNo} and lease_no = ${lease.leaseNo} for update
    ), since as (
      select ${sendingHourSql(sql`${lease.now}::timestamptz`, sql`coalesce(started_at, created_at)`)} as hour
      from pushes where no = ${lease.pushNo}
    ), settled as (
      update ${deliveriesOf(lease.slot)} d
      set status = ${to.status}, reason = ${to.reason}, settled_at = ${lease.now}
      from l
      where d.push_no = l.push_no and d.n between l.from_n and l.to_n and ${to.where}
      returning ${SETTLED_COLUMNS}
    ), ${countSettled(lease, sql`(select hour from since)`)}, freed as (
      update leases set pending = ${PENDING_LEFT}, version = version + 1
      where push_no = ${lease.pushNo} and lease_no = ${lease.leaseNo}
    )
    select count(*) as settled from settled`.execute(db);
  return rows[0]?.settled ?? 0;
}
