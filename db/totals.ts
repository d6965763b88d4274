import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../domain/content.ts';
import { type Figures, type Metric, type Statistics, statisticsOf, totalOf } from '../domain/metrics.ts';
import { type CounterRow, countersFrom, pendingFrom } from './counter-rows.ts';
import type { Db } from './database.ts';
import { platformsOf } from './platform-code.ts';
import { arrivedSql, REPORTING_DAYS } from './receipt-arrivals.ts';
import { contentSql, PENDING } from './statistics.ts';

/** Many pushes taken together. Frozen ones enter as they were frozen. */
export interface Totals {
  readonly pushes: number;
  readonly finalPushes: number;
  readonly statistics: Statistics;
}

interface Row {
  readonly key: string;
  readonly pushes: number;
  readonly final_pushes: number;
  readonly counters: (CounterRow & { readonly revision: number | null })[];
  readonly contents: Readonly<Record<string, Content>> | null;
  readonly pending: number[];
  readonly reporting: number[];
}

/** Which pushes, and what those that are taken together have in common. */
interface Taken {
  readonly which: RawBuilder<unknown>;
  readonly by: RawBuilder<unknown>;
  /** Of one task its variants are told apart. */
  readonly hasVariants?: boolean;
  /** For a list that does not show what is pending: the leases are not read. */
  readonly isList?: boolean;
}

const APP = { by: sql`''::text` };
const TASK = { by: sql`task_id` };
const NOTHING: Totals = { pushes: 0, finalPushes: 0, statistics: statisticsOf([], [], new Set()) };

export async function readTaskTotals(db: Db, { taskId }: { taskId: string }): Promise<Totals> {
  const totals = await readTotals(db, { ...TASK, which: sql`task_id = ${taskId}`, hasVariants: true });
  return totals.get(taskId) ?? NOTHING;
}

/** What each task that has pushes achieved, all its pushes together; without what is pending. */
export async function readTotalsOf(db: Db, taskIds: readonly string[]): Promise<Map<string, Figures>> {
  if (taskIds.length === 0) return new Map();
  const which = sql`task_id = any(${taskIds}::text[])`;
  const rows = await readRows(db, { ...TASK, which, isList: true });
  return new Map(
    rows.map((row) => [row.key, totalOf(countersFrom(row.counters, null), platformsOf(row.reporting))]),
  );
}

export interface Period {
  readonly appId: string;
  /** Pushes that started from then on, and before the end. */
  readonly from: Date;
  readonly to: Date;
}

export async function readAppTotals(db: Db, { appId, from, to }: Period): Promise<Totals> {
  const which = sql`app_id = ${appId} and started_at >= ${from} and started_at < ${to}`;
  return (await readTotals(db, { ...APP, which })).get('') ?? NOTHING;
}

async function readTotals(db: Db, taken: Taken): Promise<Map<string, Totals>> {
  const rows = await readRows(db, taken);
  return new Map(rows.map((row) => [row.key, totalsOf(row)]));
}

/** One statement, so that counters and leases are of one moment and the sums add up. */
async function readRows(db: Db, { which, by, hasVariants = false, isList = false }: Taken): Promise<Row[]> {
  const locale = hasVariants ? sql`c.locale` : sql`null::smallint`;
  const pending = sql`(select ${PENDING} from p join leases l on l.push_no = p.no
    where p.key = t.key and p.finalised_at is null)`;
  const { rows } = await sql<Row>`
    with p as materialized (
      select no, app_id, task_id, revision, finalised_at, coalesce(started_at, created_at) as since, ${by} as key
      from pushes where ${which}
    ), arrived as materialized (${arrivedSql(sql`select app_id from p`)}),
    counted as materialized (
      select p.key, c.metric, c.platform, ${locale} as locale, case when ${locale} > 0 then p.revision end as revision,
        c.reason, sum(c.value)::bigint as value
      from p join push_counters c on c.push_no = p.no group by 1, 2, 3, 4, 5, 6 having sum(c.value) <> 0
    ), listed as materialized (
      select c.key, json_agg(json_build_object('metric', c.metric, 'platform', c.platform, 'locale', c.locale,
        'revision', c.revision, 'reason', c.reason, 'value', c.value)) as counters
      from counted c group by c.key
    )
    select t.key, t.pushes, t.final_pushes, coalesce(l.counters, '[]') as counters,
      (select json_object_agg(c.revision, ${contentSql(sql`t.key`, sql`c.revision`)})
        from (select distinct revision from counted where revision is not null) c) as contents,
      ${isList ? sql`'{}'::int[]` : pending} as pending,
      array(
        select a.platform from arrived a
        where a.app_id = t.app_id and a.last_at > t.since - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting
    from (
      select key, app_id, min(since) as since, count(*) as pushes, count(finalised_at) as final_pushes
      from p group by 1, 2
    ) t left join listed l on l.key = t.key`.execute(db);
  return rows;
}

function totalsOf(row: Row): Totals {
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

/** The days on which pushes started, with what came of those pushes. */
export async function readAppDays(db: Db, period: Period): Promise<DayTotals[]> {
  const { rows } = await sql<DayTotals>`
    select to_char(p.started_at at time zone a.time_zone, 'YYYY-MM-DD') as day, count(distinct p.no) as pushes,
      ${sumOf('planned')} as planned, ${sumOf('success')} as deliveries, ${sumOf('failure')} as failures,
      ${sumOf('impression')} as impressions, ${sumOf('open')} as opens, ${sumOf('dismissal')} as dismissals
    from pushes p join apps a on a.id = p.app_id left join push_counters c on c.push_no = p.no
    where p.app_id = ${period.appId} and p.started_at >= ${period.from} and p.started_at < ${period.to}
    group by 1 order by 1`.execute(db);
  return rows;
}

/** Of the rows of `push_counters c`. */
export function sumOf(metric: Metric): RawBuilder<number> {
  return sql`coalesce(sum(c.value) filter (where c.metric = ${sql.lit(metric)}), 0)::bigint`;
}
