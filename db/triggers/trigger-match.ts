import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { ENTRY } from './triggers.ts';

/**
 * Enters the users of arrived events into the tasks that wait for these events. One statement enters a batch
 * and removes it, so that no user is lost or entered twice. A user who waits already is not entered again. A
 * user who was pushed to enters again as the re-entry rule of the task says. Returns how many events were
 * taken.
 */
export async function matchArrivals(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    with taken as (
      -- The oldest events. Other processes take others.
      delete from trigger_arrivals
      where no in (
        select no
        from trigger_arrivals
        order by no
        limit ${limit}
        for update skip locked
      )
      returning *
    ), candidate as (
      -- The first event of each user that each task waits for.
      select distinct on (trig.task_id, taken.user_id)
        trig.task_id, taken.user_id, taken.at, trig.delay_ms, trig.cooldown_ms
      from taken
      join triggers trig on trig.app_id = taken.app_id
        and trig.name_no = taken.name_no
        and taken.at >= trig.starts_at
        and (trig.ends_at is null or taken.at < trig.ends_at)
        and (trig.filter is null or taken.properties @> trig.filter)
      order by trig.task_id, taken.user_id, taken.at
    ), entered as (
      -- Rows are written in the order of the key, so that two batches cannot deadlock.
      insert into trigger_entries as entry (task_id, user_id, event_at, due_at, state, cooldown_ms)
      select task_id, user_id, at, at + delay_ms * interval '1 millisecond', ${ENTRY.waiting}, cooldown_ms
      from candidate
      order by task_id, user_id
      on conflict (task_id, user_id) do update
      set event_at = excluded.event_at,
        due_at = excluded.due_at,
        state = excluded.state,
        cooldown_ms = excluded.cooldown_ms
      where entry.state <> ${ENTRY.waiting}
        and (
          entry.pushed_event_at is null
          or (
            excluded.cooldown_ms is not null
            and excluded.event_at > entry.pushed_event_at
            and excluded.event_at
              >= entry.pushed_event_at + excluded.cooldown_ms * interval '1 millisecond'
          )
        )
      returning 1
    )
    select count(*)::int as taken
    from taken`.execute(db);
  return rows[0]?.taken ?? 0;
}
