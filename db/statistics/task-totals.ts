import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { sumOf } from './totals.ts';

/** The maximum age of the figures that the list is sorted by. */
export const SORT_AGE_MS = 2_000;

/**
 * Refreshes the figures that the list is sorted by, unless they are fresh. Tasks change when a push of theirs
 * still counts, or was finalised since. One process refreshes, and the others wait for it. Returns the time
 * of the figures.
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
      select push.task_id, ${sumOf('planned')}, ${sumOf('success')}, ${sumOf('impression')}, ${sumOf('open')},
        ${sumOf('dismissal')}
      from pushes push
      join push_counters counter on counter.push_no = push.no
      where push.task_id in (
        select task_id
        from pushes
        where app_id = ${appId} and finalised_at is null
        union
        select task_id
        from pushes
        where app_id = ${appId}
          and finalised_at >= ${since ?? new Date(0)}::timestamptz - interval '1 minute'
      )
      group by 1
      on conflict (task_id) do update
      set planned = excluded.planned,
        deliveries = excluded.deliveries,
        impressions = excluded.impressions,
        opens = excluded.opens,
        dismissals = excluded.dismissals
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
