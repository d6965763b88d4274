import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../domain/content.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../domain/delivery.ts';
import { type Figures, type Statistics, statisticsOf, totalOf } from '../domain/metrics.ts';
import type { Platform } from '../domain/platform.ts';
import { type CounterRow, countersFrom, pendingFrom } from './counter-rows.ts';
import type { Db } from './database.ts';
import { NAMED } from './named-statements.ts';
import { platformsOf } from './platform-code.ts';
import { arrivedSql, REPORTING_DAYS } from './receipt-arrivals.ts';
import { type RecountedCounter, recountRows } from './recount.ts';
import type { PushSummary } from './task-history.ts';

export interface StatisticsAnswer {
  readonly asOf: Date;
  /** Frozen: recounted from the device rows at the end of the window, and never changed after. */
  readonly final: boolean;
  readonly windowEndsAt: Date | null;
  /** Receipts after the window so far; they are in no other number. */
  readonly late: number;
  /** Of the pending, those that wait for their time: for the clocks of their zones, or the end of quiet hours. */
  readonly held: number;
  readonly statistics: Statistics;
  /** The platforms whose devices are known to report. */
  readonly reporting: ReadonlySet<Platform>;
  /** What the push says, where its variants have locales that some device got; they are named by it. */
  readonly content: Content | null;
}

interface LedgerRow extends PushSummary {
  readonly statistics: Statistics | null;
  readonly counters: CounterRow[];
  readonly content: Content | null;
  readonly pending: number[];
  readonly held: number;
  readonly reporting: number[];
}

export async function readStatistics(
  db: Db,
  args: { pushNo: number; now: Date },
): Promise<StatisticsAnswer | undefined> {
  return (await readStatisticsOf(db, { pushNos: [args.pushNo], now: args.now })).get(args.pushNo);
}

export async function readStatisticsOf(
  db: Db,
  { pushNos, now }: { pushNos: readonly number[]; now: Date },
): Promise<Map<number, StatisticsAnswer>> {
  if (pushNos.length === 0) return new Map();
  const rows = await readLedger(db, { which: sql`no = any(${pushNos}::bigint[])`, now });
  return new Map(rows.map((row) => [row.no, answerOf(row, now)]));
}

export interface LatestPush {
  readonly push: PushSummary;
  readonly answer: StatisticsAnswer;
  /** As its counters say, also when the answer was frozen. */
  readonly figures: Figures;
}

/** The last push of each task that has one. */
export async function readLatestPushes(
  db: Db,
  { taskIds, now }: { taskIds: readonly string[]; now: Date },
): Promise<Map<string, LatestPush>> {
  if (taskIds.length === 0) return new Map();
  const which = sql`no in (
    select last.no from unnest(${taskIds}::text[]) as t (id), lateral (
      select no from pushes where task_id = t.id order by seq desc limit 1) last)`;
  const rows = await readLedger(db, { which, now });
  return new Map(rows.map((row) => [row.taskId, latestOf(row, now)]));
}

function latestOf(row: LedgerRow, now: Date): LatestPush {
  const answer = answerOf(row, now);
  const figures = answer.final
    ? totalOf(countersFrom(row.counters, answer.content), answer.reporting)
    : answer.statistics;
  return { push: row, answer, figures };
}

/** One statement, so that counters and leases are of one moment and the sums add up. */
async function readLedger(
  db: Db,
  { which, now }: { which: RawBuilder<unknown>; now: Date },
): Promise<LedgerRow[]> {
  const { rows } = await sql<LedgerRow>`${NAMED}
    with p as materialized (select * from pushes where ${which}),
    arrived as materialized (${arrivedSql(sql`select app_id from p`)})
    select p.no, p.id, p.task_id as "taskId", p.app_id as "appId", p.seq, p.revision, p.status,
      p.status_reason as "statusReason", p.due_at as "dueAt", p.slot, p.started_at as "startedAt",
      p.window_ends_at as "windowEndsAt", p.finalised_at as "finalisedAt",
      p.details_deleted_at as "detailsDeletedAt", p.created_at as "createdAt", p.statistics, coalesce(c.counters, '[]') as counters,
      case when c.locales > 0 then ${contentSql(sql`p.task_id`, sql`p.revision`)} end as content,
      (select ${PENDING} from leases l where l.push_no = p.no) as pending,
      (
        select coalesce(sum(l.pending[1] + l.pending[2] + l.pending[3]), 0)::int from leases l
        where l.push_no = p.no and l.due_at > ${now}
      ) as held,
      array(
        select a.platform from arrived a where a.app_id = p.app_id
          and a.last_at > coalesce(p.started_at, p.created_at) - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting
    from p left join lateral (
      select max(locale) as locales, json_agg(json_build_object(
        'metric', s.metric, 'platform', s.platform, 'locale', s.locale, 'reason', s.reason, 'value', s.value)) as counters
      from (
        select metric, platform, locale, reason, sum(value) as value from push_counters
        where push_no = p.no group by metric, platform, locale, reason having sum(value) <> 0
      ) s
    ) c on true`.execute(db);
  return rows;
}

/** Of the leases `l`, by platform code. */
export const PENDING: RawBuilder<number[]> = sql`array[${sql.join(
  Object.values(PLATFORM_CODE).map((code) => sql`coalesce(sum(l.pending[${sql.lit(code + 1)}]), 0)::int`),
)}]`;

/** The content of a task's revision. */
export function contentSql(taskId: RawBuilder<unknown>, revision: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(select r.definition -> 'content' from task_revisions r
    where r.task_id = ${taskId} and r.revision = ${revision})`;
}

/** The same figures from the raw delivery rows; only what rows cannot tell comes from the counters. */
export async function recountStatistics(
  db: Db,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<Statistics> {
  const live = await readStatistics(db, { pushNo, now: slot });
  const recounted = await recountCounters(db, { pushNo, slot });
  return recountedStatistics(recounted, live);
}

export function recountedStatistics(
  { counters, pending }: Recounted,
  live: Pick<StatisticsAnswer, 'content' | 'reporting'> | undefined,
): Statistics {
  const { content = null, reporting = new Set<Platform>() } = live ?? {};
  return statisticsOf(countersFrom(counters, content), pendingFrom(pending), reporting);
}

export interface Recounted {
  readonly counters: readonly RecountedCounter[];
  /** By platform code. */
  readonly pending: readonly number[];
}

export async function recountCounters(
  db: Db,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<Recounted> {
  const rows = await recountRows(db, { pushNo, slot });
  const { rows: others } = await sql<RecountedCounter>`
    select metric, platform, locale, reason, sum(value)::bigint as value from push_counters
    where push_no = ${pushNo} and metric in ('refused_attempt', 'late')
    group by metric, platform, locale, reason having sum(value) <> 0`.execute(db);
  const waiting = rows.filter(({ status }) => status === STATUS_CODE.pending || status === STATUS_CODE.retry);
  const pending = Object.values(PLATFORM_CODE).map((code) =>
    waiting.reduce((sum, row) => sum + (row.platform === code ? row.rows : 0), 0),
  );
  return { counters: [...rows.flatMap((row) => row.counters), ...others], pending };
}

function answerOf(row: LedgerRow, now: Date): StatisticsAnswer {
  const { content } = row;
  const counters = countersFrom(row.counters, content);
  const reporting = platformsOf(row.reporting);
  const frozen = row.finalisedAt === null ? null : row.statistics;
  return {
    asOf: frozen === null ? now : (row.finalisedAt ?? now),
    final: frozen !== null,
    windowEndsAt: row.windowEndsAt,
    late: counters.reduce((sum, { metric, value }) => (metric === 'late' ? sum + value : sum), 0),
    held: row.held,
    // What was frozen before variants were told apart has none.
    statistics:
      frozen === null
        ? statisticsOf(counters, pendingFrom(row.pending), reporting)
        : { ...frozen, variants: frozen.variants ?? {} },
    reporting,
    content,
  };
}
