import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../../domain/content/content.ts';
import {
  type Figures,
  type Metric,
  type Statistics,
  statisticsOf,
  totalOf,
} from '../../domain/pushes/metrics.ts';
import type { Db } from '../core/database.ts';
import { platformsOf } from '../core/platform-code.ts';
import { knownZoneOfApp } from '../core/zone-sql.ts';
import { type CounterRow, countersFrom, pendingFrom } from '../ledger/counter-rows.ts';
import { arrivedSql, REPORTING_DAYS } from '../receipts/receipt-arrivals.ts';
import { contentSql, PENDING } from './statistics.ts';

/** Many pushes taken together. Frozen ones enter as they were frozen. */
export interface Totals {
  readonly pushes: number;
  readonly finalPushes: number;
  readonly statistics: Statistics;
}

interface TotalsRow {
  readonly key: string;
  readonly pushes: number;
  readonly final_pushes: number;
  readonly counters: (CounterRow & { readonly revision: number | null })[];
  readonly contents: Readonly<Record<string, Content>> | null;
  readonly pending: number[];
  readonly reporting: number[];
}

interface ListRow {
  readonly key: string;
  readonly counters: CounterRow[];
  readonly reporting: number[];
}

/** The pushes to be added up. */
interface Scope {
  readonly which: RawBuilder<unknown>;
  /** The key that pushes which are added up have in common. */
  readonly by: RawBuilder<unknown>;
  /** Whether variants are told apart, which only the pushes of one task have in common. */
  readonly hasVariants: boolean;
}

const NOTHING: Totals = { pushes: 0, finalPushes: 0, statistics: statisticsOf([], [], new Set()) };

export async function readTaskTotals(db: Db, { taskId }: { taskId: string }): Promise<Totals> {
  const which = sql`task_id = ${taskId}`;
  return await readTotals(db, { which, by: sql`task_id`, hasVariants: true });
}

/** The figures of each task that has pushes, all its pushes together, without pending devices. */
export async function readTotalsOf(db: Db, taskIds: readonly string[]): Promise<Map<string, Figures>> {
  if (taskIds.length === 0) return new Map();
  const rows = await readListRows(db, taskIds);
  return new Map(
    rows.map((row) => [row.key, totalOf(countersFrom(row.counters, null), platformsOf(row.reporting))]),
  );
}

export interface Period {
  readonly appId: string;
  /** The first moment of the period, in which pushes started. */
  readonly from: Date;
  readonly to: Date;
}

export async function readAppTotals(db: Db, { appId, from, to }: Period): Promise<Totals> {
  const which = sql`app_id = ${appId} and started_at >= ${from} and started_at < ${to}`;
  return await readTotals(db, { which, by: sql`''::text`, hasVariants: false });
}

async function readTotals(db: Db, scope: Scope): Promise<Totals> {
  const [row] = await readTotalsRows(db, scope);
  return row === undefined ? NOTHING : totalsOf(row);
}

/** One statement, so that counters and leases are of one moment and the sums add up. */
async function readTotalsRows(db: Db, { which, by, hasVariants }: Scope): Promise<TotalsRow[]> {
  const locale = hasVariants ? sql`counter.locale` : sql`null::smallint`;
  const { rows } = await sql<TotalsRow>`
    with ${pushesAndArrivals(which, by)},
    counted as materialized (
      -- The counters of all pushes with one key. Variants of different revisions are different variants.
      select push.key, counter.metric, counter.platform, ${locale} as locale,
        case when ${locale} > 0 then push.revision end as revision,
        counter.reason, sum(counter.value)::bigint as value
      from push
      join push_counters counter on counter.push_no = push.no
      group by 1, 2, 3, 4, 5, 6
      having sum(counter.value) <> 0
    )
    select total.key, total.pushes, total.final_pushes,
      (
        select coalesce(${COUNTERS}, '[]')
        from counted
        where counted.key = total.key
      ) as counters,
      (
        select json_object_agg(used.revision, ${contentSql(sql`total.key`, sql`used.revision`)})
        from (
          select distinct revision
          from counted
          where revision is not null
        ) used
      ) as contents,
      (
        select ${PENDING}
        from push
        join leases lease on lease.push_no = push.no
        where push.key = total.key and push.finalised_at is null
      ) as pending,
      ${REPORTING} as reporting
    from ${PUSHES_BY_KEY} total`.execute(db);
  return rows;
}

/** For a list of tasks, which shows neither variants nor pending devices: the leases are not read. */
async function readListRows(db: Db, taskIds: readonly string[]): Promise<ListRow[]> {
  const { rows } = await sql<ListRow>`
    with ${pushesAndArrivals(sql`task_id = any(${taskIds}::text[])`, sql`task_id`)},
    counted as materialized (
      -- The counters of all pushes of a task.
      select push.key, counter.metric, counter.platform, null::smallint as locale, null::int as revision,
        counter.reason, sum(counter.value)::bigint as value
      from push
      join push_counters counter on counter.push_no = push.no
      group by 1, 2, 3, 4, 5, 6
      having sum(counter.value) <> 0
    ), listed as materialized (
      -- One look at the counters for all tasks.
      select counted.key, ${COUNTERS} as counters
      from counted
      group by counted.key
    )
    select total.key, coalesce(listed.counters, '[]') as counters, ${REPORTING} as reporting
    from ${PUSHES_BY_KEY} total
    left join listed on listed.key = total.key`.execute(db);
  return rows;
}

/**
 * The CTEs `push` and `arrived`: the pushes with their keys, and when devices of each platform reported last.
 */
function pushesAndArrivals(which: RawBuilder<unknown>, key: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`push as materialized (
      select no, app_id, task_id, revision, finalised_at, ${key} as key,
        coalesce(started_at, created_at) as since
      from pushes
      where ${which}
    ), arrived as materialized (
      ${arrivedSql(sql`select app_id from push`)}
    )`;
}

/** The rows of `counted` as one array. */
const COUNTERS = sql`json_agg(json_build_object(
          'metric', counted.metric,
          'platform', counted.platform,
          'locale', counted.locale,
          'revision', counted.revision,
          'reason', counted.reason,
          'value', counted.value
        ))`;

/** One row per key of `push`. */
const PUSHES_BY_KEY = sql`(
      select key, app_id, min(since) as since, count(*) as pushes, count(finalised_at) as final_pushes
      from push
      group by 1, 2
    )`;

/** The platforms whose devices are expected to report on the pushes of the row `total`. */
const REPORTING = sql`array(
        select arrived.platform
        from arrived
        where arrived.app_id = total.app_id
          and arrived.last_at > total.since - ${REPORTING_DAYS} * interval '1 day'
      )`;

function totalsOf(row: TotalsRow): Totals {
  const byRevision = Map.groupBy(row.counters, ({ revision }) => revision);
  const counters = [...byRevision].flatMap(([revision, own]) =>
    countersFrom(own, row.contents?.[revision ?? ''] ?? null),
  );
  const statistics = statisticsOf(counters, pendingFrom(row.pending), platformsOf(row.reporting));
  return { pushes: row.pushes, finalPushes: row.final_pushes, statistics };
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

/** The days on which pushes started, with the figures of those pushes. */
export async function readAppDays(db: Db, period: Period): Promise<DayTotals[]> {
  const { rows } = await sql<DayTotals>`
    with home as materialized (
      -- The time zone of the app.
      select ${knownZoneOfApp(period.appId)} as zone
    )
    select to_char(push.started_at at time zone home.zone, 'YYYY-MM-DD') as day,
      count(distinct push.no) as pushes,
      ${sumOf('planned')} as planned,
      ${sumOf('success')} as deliveries,
      ${sumOf('failure')} as failures,
      ${sumOf('impression')} as impressions,
      ${sumOf('open')} as opens,
      ${sumOf('dismissal')} as dismissals
    from pushes push
    cross join home
    left join push_counters counter on counter.push_no = push.no
    where push.app_id = ${period.appId}
      and push.started_at >= ${period.from}
      and push.started_at < ${period.to}
    group by 1
    order by 1`.execute(db);
  return rows;
}

/** The sum of one metric over the rows of `push_counters counter`. */
export function sumOf(metric: Metric): RawBuilder<number> {
  return sql`coalesce(sum(counter.value) filter (where counter.metric = ${sql.lit(metric)}), 0)::bigint`;
}
