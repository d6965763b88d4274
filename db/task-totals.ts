import { sql } from 'kysely';
import type { Db } from './database.ts';
import { sumOf } from './totals.ts';

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
    await sql`
      insert into task_totals (task_id, planned, deliveries, impressions, opens, dismissals)
      select p.task_id, ${sumOf('planned')}, ${sumOf('success')}, ${sumOf('impression')}, ${sumOf('open')},
        ${sumOf('dismissal')}
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
