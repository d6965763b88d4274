import { sql } from 'kysely';
import type { Db } from './database.ts';
import { ENTRY } from './triggers.ts';

/**
 * Enters the users of arrived events into the tasks that wait for them, each batch by one statement that also takes
 * it away: nobody is lost, and nobody entered twice. A user who waits already is not entered again; one who was
 * pushed to, as the task's re-entry rule says. Says how many events were taken.
 */
export async function matchArrivals(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    with taken as (
      delete from trigger_arrivals where no in (
        select no from trigger_arrivals order by no limit ${limit} for update skip locked
      ) returning *
    ), candidate as (
      select distinct on (t.task_id, a.user_id) t.task_id, a.user_id, a.at, t.delay_ms, t.cooldown_ms
      from taken a join triggers t on t.app_id = a.app_id and t.name_no = a.name_no
        and a.at >= t.starts_at and (t.ends_at is null or a.at < t.ends_at)
        and (t.filter is null or a.properties @> t.filter)
      order by t.task_id, a.user_id, a.at
    ), entered as (
      insert into trigger_entries as e (task_id, user_id, event_at, due_at, state, cooldown_ms)
      select task_id, user_id, at, at + delay_ms * interval '1 millisecond', ${ENTRY.waiting}, cooldown_ms
      from candidate order by task_id, user_id
      on conflict (task_id, user_id) do update set event_at = excluded.event_at, due_at = excluded.due_at,
        state = excluded.state, cooldown_ms = excluded.cooldown_ms
      where e.state <> ${ENTRY.waiting} and (e.pushed_event_at is null or (
        excluded.cooldown_ms is not null and excluded.event_at > e.pushed_event_at
        and excluded.event_at >= e.pushed_event_at + excluded.cooldown_ms * interval '1 millisecond'))
      returning 1
    )
    select count(*)::int as taken from taken`.execute(db);
  return rows[0]?.taken ?? 0;
}
