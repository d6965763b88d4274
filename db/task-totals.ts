import { sql } from 'kysely';
import { type Statistics, statisticsOf } from '../domain/metrics.ts';
import type { Db } from './database.ts';
import { platformOf } from './platform-code.ts';
import { arrivedSql, REPORTING_DAYS } from './receipt-arrivals.ts';
import { type CounterRow, toCounter } from './statistics.ts';

interface Row {
  readonly task_id: string;
  readonly counters: CounterRow[];
  readonly reporting: number[];
}

/** What each task that has pushes achieved, all its pushes together: from the counters, in one statement. */
export async function readTotalsOf(db: Db, taskIds: readonly string[]): Promise<Map<string, Statistics>> {
  if (taskIds.length === 0) return new Map();
  const { rows } = await sql<Row>`
    with p as materialized (
      select no, task_id, app_id, coalesce(started_at, created_at) as since from pushes
      where task_id = any(${taskIds}::text[])
    ), arrived as materialized (${arrivedSql(sql`select app_id from p`)}),
    counted as (
      select p.task_id, c.metric, c.platform, c.reason, sum(c.value)::bigint as value
      from p join push_counters c on c.push_no = p.no group by 1, 2, 3, 4 having sum(c.value) <> 0
    )
    select t.task_id, coalesce((
        select json_agg(json_build_object(
          'metric', c.metric, 'platform', c.platform, 'reason', c.reason, 'value', c.value))
        from counted c where c.task_id = t.task_id), '[]') as counters,
      array(
        select a.platform from arrived a
        where a.app_id = t.app_id and a.last_at > t.since - ${REPORTING_DAYS} * interval '1 day'
      ) as reporting
    from (select task_id, app_id, min(since) as since from p group by 1, 2) t`.execute(db);
  return new Map(rows.map((row) => [row.task_id, figuresOf(row)]));
}

function figuresOf({ counters, reporting }: Row): Statistics {
  const platforms = new Set(reporting.flatMap((code) => platformOf(code) ?? []));
  return statisticsOf(counters.flatMap(toCounter), [], platforms);
}

/** How old the figures may be that the list is sorted by. */
export const SORT_AGE_MS = 2_000;

/**
 * Brings the figures that the list is sorted by up to date, unless they are: of tasks with a push that still
 * counts, or that was finalised since. One process does it, the others wait for it. Answers their moment.
 */
export async function refreshTotals(db: Db, { appId, now }: { appId: string; now: Date }): Promise<Date> {
  const last = await lastRefresh(db, appId);
  if (last !== undefined && now.getTime() - last.getTime() < SORT_AGE_MS) return last;
  return await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`task_totals ${appId}`}, 0))`.execute(trx);
    const since = await lastRefresh(trx, appId);
    if (since !== undefined && now.getTime() - since.getTime() < SORT_AGE_MS) return since;
    const value = (metric: string) =>
      sql`coalesce(sum(c.value) filter (where c.metric = ${sql.lit(metric)}), 0)`;
    await sql`
      insert into task_totals (task_id, planned, deliveries, impressions, opens, dismissals)
      select p.task_id, ${value('planned')}, ${value('success')}, ${value('impression')}, ${value('open')},
        ${value('dismissal')}
      from pushes p join push_counters c on c.push_no = p.no
      where p.task_id in (
        select task_id from pushes where app_id = ${appId} and finalised_at is null
        union select task_id from pushes
          where app_id = ${appId} and finalised_at >= ${since ?? new Date(0)}::timestamptz - interval '1 minute')
      group by 1
      on conflict (task_id) do update set planned = excluded.planned, deliveries = excluded.deliveries,
        impressions = excluded.impressions, opens = excluded.opens, dismissals = excluded.dismissals
      where task_totals is distinct from excluded`.execute(trx);
    await trx
      .insertInto('task_totals_refreshes')
      .values({ app_id: appId, as_of: now })
      .onConflict((conflict) => conflict.column('app_id').doUpdateSet({ as_of: now }))
      .execute();
    return now;
  });
}

async function lastRefresh(db: Db, appId: string): Promise<Date | undefined> {
  const row = await db
    .selectFrom('task_totals_refreshes')
    .select('as_of')
    .where('app_id', '=', appId)
    .executeTakeFirst();
  return row?.as_of;
}
