import { sql } from 'kysely';
import { STATUS_CODE } from '../domain/delivery.ts';
import {
  type Counter,
  METRICS,
  type Metric,
  type Pending,
  type Statistics,
  statisticsOf,
} from '../domain/metrics.ts';
import type { Platform } from '../domain/platform.ts';
import type { Db } from './database.ts';
import { NO_PLATFORM, platformOf } from './platform-code.ts';
import { arrivedSql, REPORTING_DAYS } from './receipt-arrivals.ts';
import { recountRows } from './recount.ts';

export interface StatisticsAnswer {
  readonly asOf: Date;
  /** Frozen: recounted from the device rows at the end of the window, and never changed after. */
  readonly final: boolean;
  readonly windowEndsAt: Date | null;
  /** Receipts after the window so far; they are in no other number. */
  readonly late: number;
  readonly statistics: Statistics;
  /** The platforms whose devices are known to report. */
  readonly reporting: ReadonlySet<Platform>;
}

export interface CounterRow {
  readonly metric: string;
  readonly platform: number;
  readonly reason: string;
  readonly value: number;
}

interface LedgerRow {
  readonly no: number;
  readonly window_ends_at: Date | null;
  readonly finalised_at: Date | null;
  readonly statistics: Statistics | null;
  readonly counters: CounterRow[];
  readonly pending: number[];
  readonly reporting: number[];
}

export async function readStatistics(
  db: Db,
  args: { pushNo: number; now: Date },
): Promise<StatisticsAnswer | undefined> {
  return (await readStatisticsOf(db, { pushNos: [args.pushNo], now: args.now })).get(args.pushNo);
}

/** One statement, so that counters and leases are of one moment and the sums add up. */
export async function readStatisticsOf(
  db: Db,
  { pushNos, now }: { pushNos: readonly number[]; now: Date },
): Promise<Map<number, StatisticsAnswer>> {
  if (pushNos.length === 0) return new Map();
  const { rows } = await sql<LedgerRow>`
    with arrived as materialized (${arrivedSql(sql`select app_id from pushes where no = any(${pushNos}::bigint[])`)})
    select p.no, p.window_ends_at, p.finalised_at, p.statistics, coalesce(c.counters, '[]') as counters,
      array(
        select coalesce(sum(l.pending[code + 1]), 0)::int from generate_series(0, 2) code
        left join leases l on l.push_no = p.no group by code order by code
      ) as pending,
      array(
        select a.platform from arrived a where a.app_id = p.app_id
          and a.last_at > coalesce(p.started_at, p.created_at) - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting
    from pushes p left join lateral (
      select json_agg(json_build_object(
        'metric', s.metric, 'platform', s.platform, 'reason', s.reason, 'value', s.value)) as counters
      from (
        select metric, platform, reason, sum(value) as value from push_counters
        where push_no = p.no group by metric, platform, reason having sum(value) <> 0
      ) s
    ) c on true
    where p.no = any(${pushNos}::bigint[])`.execute(db);
  return new Map(rows.map((row) => [row.no, answerOf(row, now)]));
}

/** The same figures from the raw delivery rows; only what rows cannot tell comes from the counters. */
export async function recountStatistics(
  db: Db,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<Statistics> {
  const { counters, pending } = await recountCounters(db, { pushNo, slot });
  const live = await readStatistics(db, { pushNo, now: slot });
  return statisticsOf(counters, pending, live?.reporting ?? new Set());
}

export async function recountCounters(
  db: Db,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<{ counters: Counter[]; pending: Pending[] }> {
  const rows = await recountRows(db, { pushNo, slot });
  const { rows: others } = await sql<CounterRow>`
    select metric, platform, reason, sum(value)::bigint as value from push_counters
    where push_no = ${pushNo} and metric in ('refused_attempt', 'late')
    group by metric, platform, reason having sum(value) <> 0`.execute(db);
  const waiting = rows.filter(
    (row) => row.status === STATUS_CODE.pending || row.status === STATUS_CODE.retry,
  );
  const pending = waiting.map((row) => ({ platform: row.platform ?? NO_PLATFORM, value: row.rows }));
  return {
    counters: [...rows.flatMap((row) => row.counters), ...others.flatMap(toCounter)],
    pending: pending.flatMap(toPending),
  };
}

function answerOf(row: LedgerRow, now: Date): StatisticsAnswer {
  const counters = row.counters.flatMap(toCounter);
  const pending = row.pending.map((value, platform) => ({ platform, value })).flatMap(toPending);
  const reporting = new Set(row.reporting.flatMap((code) => platformOf(code) ?? []));
  const frozen = row.finalised_at === null ? null : row.statistics;
  return {
    asOf: frozen === null ? now : (row.finalised_at ?? now),
    final: frozen !== null,
    windowEndsAt: row.window_ends_at,
    late: counters.reduce((sum, { metric, value }) => (metric === 'late' ? sum + value : sum), 0),
    statistics: frozen ?? statisticsOf(counters, pending, reporting),
    reporting,
  };
}

export function toCounter({ metric, platform, reason, value }: CounterRow): Counter[] {
  return isMetric(metric) ? [{ metric, platform: platformOf(platform), reason, value }] : [];
}

export function toPending(count: { platform: number; value: number }): Pending[] {
  const platform = platformOf(count.platform);
  return platform === null || count.value === 0 ? [] : [{ platform, value: count.value }];
}

function isMetric(text: string): text is Metric {
  return (METRICS as readonly string[]).includes(text);
}
