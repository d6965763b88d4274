import { type RawBuilder, sql } from 'kysely';
import { HOUR_MS } from '../../domain/duration.ts';
import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import type { Db } from '../core/database.ts';
import { type CounterTable, Deltas } from '../core/deltas.ts';
import { deliveriesOf } from './partitions.ts';
import { SENT } from './send-result.ts';

/** The shard of frozen hours. No other shard is left then. */
const FROZEN_SHARD = 0;

/** An event of a device within an hour: sent, by the engine's clock, or the first receipt of a kind. */
export type HourMetric = 'sent' | ReceiptKind;

type Key = {
  readonly push_no: number;
  readonly hour: number;
  readonly platform: number;
  readonly metric: HourMetric;
};

const HOURS: CounterTable<Key> = {
  name: 'push_hours',
  columns: { push_no: 'bigint', hour: 'smallint', platform: 'smallint', metric: 'text' },
};

/** Sums changes of hourly counters until they are written together. */
export function hourDeltas(): Deltas<Key> {
  return new Deltas(HOURS);
}
export type HourDeltas = ReturnType<typeof hourDeltas>;

export function millisecondsSql(time: RawBuilder<unknown>): RawBuilder<number> {
  return sql`round(date_part('epoch', ${time}) * 1000)`;
}

/** The hour of the push that a time falls into. Both arguments are in milliseconds. */
export function hourSql(ms: RawBuilder<unknown>, since: number): RawBuilder<number> {
  return sql`floor((${ms} - ${since}::float8) / ${sql.lit(HOUR_MS)})::int`;
}

/**
 * The hour of the push in which a sender settled. Its clock may be behind the clock that started the push.
 */
export function sendingHour(now: Date, startedAt: Date): number {
  return Math.max(0, Math.floor((now.getTime() - startedAt.getTime()) / HOUR_MS));
}

/** `sendingHour` as an SQL expression. */
export function sendingHourSql(at: RawBuilder<unknown>, since: RawBuilder<unknown>): RawBuilder<number> {
  const elapsed = sql`(${millisecondsSql(at)} - ${millisecondsSql(since)})`;
  return sql`greatest(0, floor(${elapsed} / ${sql.lit(HOUR_MS)}))::int`;
}

export interface HourCount {
  readonly hour: number;
  readonly platform: number;
  readonly metric: HourMetric;
  readonly value: number;
}

/**
 * Sends have their hour in the counters that senders write anyway, so that sending has no second counter to
 * write.
 */
export async function readHours(db: Db, pushNo: number): Promise<HourCount[]> {
  const { rows } = await sql<HourCount>`
    select hour, platform, metric, sum(value)::bigint as value from (
      select hour, platform, metric, value
      from push_hours
      where push_no = ${pushNo}
      union all
      select hour, platform, 'sent', value
      from push_counters
      where push_no = ${pushNo}
        and hour >= 0
        and metric in ('success', 'failure', 'no_feedback')
    ) counted
    group by 1, 2, 3
    having sum(value) <> 0
    order by 1, 2, 3`.execute(db);
  return rows;
}

const TIMES = {
  delivered: 'delivered_at',
  impression: 'impression_at',
  open: 'open_at',
  dismissal: 'dismissed_at',
};

/** The same figures from the raw delivery rows. */
export async function recountHours(
  db: Db,
  { pushNo, partitionStart, since }: { pushNo: number; partitionStart: Date; since: Date },
): Promise<HourCount[]> {
  const parts = Object.entries(TIMES).map(([kind, column]) => {
    const hour = hourSql(millisecondsSql(sql.ref(column)), since.getTime());
    return sql`
    select ${hour} as hour, platform, ${sql.lit(kind)} as metric, count(*) as value
    from ${deliveriesOf(partitionStart)}
    where push_no = ${pushNo}
      and ${sql.ref(column)} is not null
    group by 1, 2`;
  });
  const sentHour = sendingHourSql(sql`settled_at`, sql`${since}::timestamptz`);
  const sent = sql`
    select ${sentHour} as hour, platform, 'sent' as metric, count(*) as value
    from ${deliveriesOf(partitionStart)}
    where push_no = ${pushNo}
      and status = any(${SENT}::smallint[])
    group by 1, 2`;
  const { rows } = await sql<HourCount>`
    ${sql.join([sent, ...parts], sql` union all `)} order by 1, 2, 3`.execute(db);
  return rows;
}

/** Replaces the hours of the push for good. */
export async function freezeHours(db: Db, pushNo: number, hours: readonly HourCount[]): Promise<void> {
  await db.deleteFrom('push_hours').where('push_no', '=', pushNo).execute();
  const frozen = hourDeltas();
  for (const { value, ...key } of hours) frozen.add({ push_no: pushNo, ...key }, value);
  await frozen.write(db, FROZEN_SHARD);
}
