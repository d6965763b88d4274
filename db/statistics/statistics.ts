import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../../domain/content/content.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { type Figures, type Statistics, statisticsOf, totalOf } from '../../domain/pushes/metrics.ts';
import type { Db } from '../core/database.ts';
import { NAMED } from '../core/named-statements.ts';
import { platformsOf } from '../core/platform-code.ts';
import { type CounterRow, countersFrom, pendingFrom } from '../ledger/counter-rows.ts';
import { type RecountedCounter, recountRows } from '../ledger/recount.ts';
import { arrivedSql, REPORTING_DAYS } from '../receipts/receipt-arrivals.ts';
import type { PushSummary } from '../tasks/task-history.ts';

export interface StatisticsAnswer {
  readonly asOf: Date;
  /** Frozen: recounted from the device rows at the end of the window, and never changed after. */
  readonly final: boolean;
  readonly windowEndsAt: Date | null;
  /** Receipts after the window so far, which no other number includes. */
  readonly late: number;
  /** Pending devices that wait for their time: for the clocks of their zones, or the end of quiet hours. */
  readonly held: number;
  readonly statistics: Statistics;
  /** The platforms whose devices are known to report. */
  readonly reporting: ReadonlySet<Platform>;
  /** The content of the push, where some device got a locale of it. The locales name the variants. */
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
  /** The figures of its counters, also when the answer was frozen. */
  readonly figures: Figures;
}

/** The last push of each task that has one. */
export async function readLatestPushes(
  db: Db,
  { taskIds, now }: { taskIds: readonly string[]; now: Date },
): Promise<Map<string, LatestPush>> {
  if (taskIds.length === 0) return new Map();
  const which = sql`no in (
        select last.no
        from unnest(${taskIds}::text[]) as task (id), lateral (
          select no
          from pushes
          where task_id = task.id
          order by seq desc
          limit 1
        ) last
      )`;
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
    with push as materialized (
      select *
      from pushes
      where ${which}
    ), arrived as materialized (
      -- When devices of each platform reported last: they are expected to report on a push soon after.
      ${arrivedSql(sql`select app_id from push`)}
    )
    select push.no, push.id, push.task_id as "taskId", push.app_id as "appId", push.seq, push.revision,
      push.status, push.status_reason as "statusReason", push.due_at as "dueAt",
      push.partition_start as "partitionStart",
      push.started_at as "startedAt", push.window_ends_at as "windowEndsAt",
      push.finalised_at as "finalisedAt", push.deliveries_deleted_at as "deliveriesDeletedAt",
      push.created_at as "createdAt", push.statistics,
      coalesce(counted.counters, '[]') as counters,
      case when counted.locales > 0 then ${contentSql(sql`push.task_id`, sql`push.revision`)} end as content,
      (
        select ${PENDING}
        from leases lease
        where lease.push_no = push.no
      ) as pending,
      (
        select coalesce(sum(lease.pending[1] + lease.pending[2] + lease.pending[3]), 0)::int
        from leases lease
        where lease.push_no = push.no and lease.due_at > ${now}
      ) as held,
      array(
        select arrived.platform
        from arrived
        where arrived.app_id = push.app_id
          and arrived.last_at
            > coalesce(push.started_at, push.created_at) - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting
    from push
    left join lateral (
      select max(locale) as locales, json_agg(summed) as counters
      from (
        select metric, platform, locale, reason, sum(value) as value
        from push_counters
        where push_no = push.no
        group by metric, platform, locale, reason
        having sum(value) <> 0
      ) summed
    ) counted on true`.execute(db);
  return rows;
}

/** Devices without a final outcome in the rows of `leases lease`, by platform code. */
export const PENDING: RawBuilder<number[]> = sql`array[${sql.join(
  Object.values(PLATFORM_CODE).map((code) => sql`coalesce(sum(lease.pending[${sql.lit(code + 1)}]), 0)::int`),
)}]`;

/** The content of a task's revision. */
export function contentSql(taskId: RawBuilder<unknown>, revision: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
        select made.definition -> 'content'
        from task_revisions made
        where made.task_id = ${taskId} and made.revision = ${revision}
      )`;
}

/** The same figures from the delivery rows. Only figures that rows do not hold come from the counters. */
export async function recountStatistics(
  db: Db,
  { pushNo, partitionStart }: { pushNo: number; partitionStart: Date },
): Promise<Statistics> {
  const live = await readStatistics(db, { pushNo, now: partitionStart });
  const recounted = await recountCounters(db, { pushNo, partitionStart });
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
  { pushNo, partitionStart }: { pushNo: number; partitionStart: Date },
): Promise<Recounted> {
  const rows = await recountRows(db, { pushNo, partitionStart });
  const { rows: others } = await sql<RecountedCounter>`
    select metric, platform, locale, reason, sum(value)::bigint as value
    from push_counters
    where push_no = ${pushNo}
      and metric in ('refused_attempt', 'late')
    group by metric, platform, locale, reason
    having sum(value) <> 0`.execute(db);
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
    // Statistics that were frozen before variants were told apart have none.
    statistics:
      frozen === null
        ? statisticsOf(counters, pendingFrom(row.pending), reporting)
        : { ...frozen, variants: frozen.variants ?? {} },
    reporting,
    content,
  };
}
