import { type RawBuilder, sql } from 'kysely';
import { type Statistics, statisticsOf } from '../domain/metrics.ts';
import type { Db } from './database.ts';
import { platformOf } from './platform-code.ts';
import { arrivedSql, REPORTING_DAYS } from './receipt-arrivals.ts';
import { type CounterRow, toCounter, toPending } from './statistics.ts';

/** Many pushes taken together. Frozen ones enter as they were frozen. */
export interface Totals {
  readonly pushes: number;
  readonly finalPushes: number;
  readonly statistics: Statistics;
}

interface Row {
  readonly pushes: number;
  readonly final_pushes: number;
  readonly counters: CounterRow[];
  readonly pending: number[];
  readonly reporting: number[];
}

export async function readTaskTotals(db: Db, { taskId }: { taskId: string }): Promise<Totals> {
  return await readTotals(db, sql`task_id = ${taskId}`);
}

export interface Period {
  readonly appId: string;
  /** Pushes that started from then on, and before the end. */
  readonly from: Date;
  readonly to: Date;
}

export async function readAppTotals(db: Db, period: Period): Promise<Totals> {
  return await readTotals(db, startedWithin(period));
}

function startedWithin({ appId, from, to }: Period): RawBuilder<unknown> {
  return sql`app_id = ${appId} and started_at >= ${from} and started_at < ${to}`;
}

/** One statement, so that counters and leases are of one moment and the sums add up. */
async function readTotals(db: Db, which: RawBuilder<unknown>): Promise<Totals> {
  const { rows } = await sql<Row>`
    with p as materialized (
      select no, app_id, finalised_at, coalesce(started_at, created_at) as since from pushes where ${which}
    ), arrived as materialized (${arrivedSql(sql`select app_id from p`)})
    select
      (select count(*) from p) as pushes,
      (select count(finalised_at) from p) as final_pushes,
      (select coalesce(json_agg(c), '[]') from (
        select metric, platform, reason, sum(value)::bigint as value
        from p join push_counters on push_no = no group by 1, 2, 3 having sum(value) <> 0
      ) c) as counters,
      array(
        select coalesce(sum(l.pending[code + 1]), 0)::int from generate_series(0, 2) code
        left join (select l.* from p join leases l on l.push_no = p.no where p.finalised_at is null) l on true
        group by code order by code
      ) as pending,
      array(
        select a.platform from arrived a
        where a.last_at > (select min(since) from p) - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting`.execute(db);
  const [row] = rows;
  const pending = (row?.pending ?? []).flatMap((value, platform) => toPending({ platform, value }));
  const reporting = new Set((row?.reporting ?? []).flatMap((code) => platformOf(code) ?? []));
  return {
    pushes: row?.pushes ?? 0,
    finalPushes: row?.final_pushes ?? 0,
    statistics: statisticsOf((row?.counters ?? []).flatMap(toCounter), pending, reporting),
  };
}

export interface DayTotals {
  /** By the app's time zone. */
  readonly day: string;
  readonly pushes: number;
  readonly planned: number;
  readonly deliveries: number;
  readonly failures: number;
  readonly impressions: number;
  readonly opens: number;
  readonly dismissals: number;
}

/** The days on which pushes started, with what came of those pushes. */
export async function readAppDays(db: Db, period: Period): Promise<DayTotals[]> {
  const of = (metric: string) =>
    sql`coalesce(sum(c.value) filter (where c.metric = ${sql.lit(metric)}), 0)::bigint`;
  const { rows } = await sql<DayTotals>`
    select to_char(p.started_at at time zone a.time_zone, 'YYYY-MM-DD') as day, count(distinct p.no) as pushes,
      ${of('planned')} as planned, ${of('success')} as deliveries, ${of('failure')} as failures,
      ${of('impression')} as impressions, ${of('open')} as opens, ${of('dismissal')} as dismissals
    from pushes p join apps a on a.id = p.app_id left join push_counters c on c.push_no = p.no
    where p.app_id = ${period.appId} and p.started_at >= ${period.from} and p.started_at < ${period.to}
    group by 1 order by 1`.execute(db);
  return rows;
}
