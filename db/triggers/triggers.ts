import { TASKS_ABOUT_TO_SEND } from '../../domain/tasks/task-status.ts';
import type { Trigger } from '../../domain/tasks/trigger.ts';
import { cooldownOf, delayOf } from '../../domain/tasks/trigger.ts';
import type { Db } from '../core/database.ts';
import { createEventNames } from '../events/event-names.ts';

export const ENTRY_STATES = ['waiting', 'pushed', 'cancelled', 'skipped'] as const;
export const ENTRY = { waiting: 0, pushed: 1, cancelled: 2, skipped: 3 } as const satisfies Record<
  (typeof ENTRY_STATES)[number],
  number
>;

/**
 * Makes the events of the trigger count from now on. A second call changes only whether the trigger is
 * paused.
 */
export async function armTrigger(
  db: Db,
  args: {
    taskId: string;
    revision: number;
    trigger: Trigger;
    graceMs: number | null;
    paused: boolean;
    now: Date;
  },
): Promise<void> {
  const { taskId, revision, trigger, graceMs, paused, now } = args;
  const { app_id: appId } = await db
    .selectFrom('tasks')
    .select('app_id')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  const names = [trigger.event, ...(trigger.unless === undefined ? [] : [trigger.unless])];
  const numbers = await createEventNames(db).numbersOf(appId, names, now);
  const nameNo = numbers.get(trigger.event);
  if (nameNo === undefined) throw new Error('the app has reached its maximum number of event names');
  const values = {
    app_id: appId,
    revision,
    name_no: nameNo,
    unless_no: trigger.unless === undefined ? null : (numbers.get(trigger.unless) ?? null),
    filter: trigger.filter === undefined ? null : JSON.stringify(trigger.filter),
    delay_ms: delayOf(trigger),
    cooldown_ms: cooldownOf(trigger.reentry),
    grace_ms: graceMs,
    ends_at: trigger.endAt === undefined ? null : new Date(trigger.endAt),
    paused,
  };
  await db
    .insertInto('triggers')
    .values({
      ...values,
      task_id: taskId,
      starts_at: trigger.startAt === undefined ? wholeSecond(now) : new Date(trigger.startAt),
    })
    .onConflict((conflict) => conflict.column('task_id').doUpdateSet(values))
    .execute();
}

/** Many systems date events to the second: one of the second of the approval would lie before the approval. */
function wholeSecond(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

/**
 * Ends the trigger: its events count no more, and no user waits any more. Says whether there was a trigger.
 */
export async function disarmTrigger(db: Db, taskId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('triggers')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  await db
    .updateTable('trigger_entries')
    .set({ state: ENTRY.cancelled })
    .where('task_id', '=', taskId)
    .where('state', '=', ENTRY.waiting)
    .execute();
  return numDeletedRows > 0n;
}

/** Events before this moment do not count. Null while the trigger is off. */
export async function findTriggerStart(db: Db, taskId: string): Promise<Date | null> {
  const trigger = await db
    .selectFrom('triggers')
    .select('starts_at')
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return trigger?.starts_at ?? null;
}

export async function isArmed(db: Db, taskId: string): Promise<boolean> {
  const trigger = await db
    .selectFrom('triggers')
    .select('task_id')
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return trigger !== undefined;
}

/** Whether a user waits, or may wait once the arrived events are matched. */
export async function isAwaited(db: Db, taskId: string): Promise<boolean> {
  const waiting = await db
    .selectFrom('trigger_entries')
    .select('task_id')
    .where('task_id', '=', taskId)
    .where('state', '=', ENTRY.waiting)
    .limit(1)
    .executeTakeFirst();
  if (waiting !== undefined) return true;
  const arrived = await db
    .selectFrom('trigger_arrivals as arrival')
    .innerJoin('triggers as trigger', (join) =>
      join.onRef('trigger.app_id', '=', 'arrival.app_id').onRef('trigger.name_no', '=', 'arrival.name_no'),
    )
    .select('arrival.no')
    .where('trigger.task_id', '=', taskId)
    .limit(1)
    .executeTakeFirst();
  return arrived !== undefined;
}

export interface DueTrigger {
  readonly taskId: string;
  readonly appId: string;
  readonly revision: number;
}

/** The tasks with users to push to now. */
export async function listDueTriggers(db: Db, now: Date): Promise<DueTrigger[]> {
  return await db
    .selectFrom('triggers as trigger')
    .select(['trigger.task_id as taskId', 'trigger.app_id as appId', 'trigger.revision'])
    .where('trigger.paused', '=', false)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('trigger_entries as entry')
          .select('entry.user_id')
          .whereRef('entry.task_id', '=', 'trigger.task_id')
          .where('entry.state', '=', ENTRY.waiting)
          .where('entry.due_at', '<=', now),
      ),
    )
    .execute();
}

/** Ends the triggers of tasks that are at rest, and says how many there were. */
export async function dropOrphanedTriggers(db: Db): Promise<number> {
  const rows = await db
    .selectFrom('triggers as trigger')
    .innerJoin('tasks', 'tasks.id', 'trigger.task_id')
    .select('trigger.task_id')
    .where('tasks.status', 'not in', TASKS_ABOUT_TO_SEND)
    .execute();
  for (const { task_id: taskId } of rows) await disarmTrigger(db, taskId);
  return rows.length;
}

export const TRIGGER_STATES = ['off', 'armed', 'paused'] as const;

export async function findTriggerState(db: Db, taskId: string): Promise<(typeof TRIGGER_STATES)[number]> {
  const trigger = await db
    .selectFrom('triggers')
    .select('paused')
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  if (trigger === undefined) return 'off';
  return trigger.paused ? 'paused' : 'armed';
}

export interface Entries {
  readonly users: Record<(typeof ENTRY_STATES)[number], number>;
  readonly nextDueAt: Date | null;
}

/** The number of users in each state, by the last event that entered each of them. */
export async function countEntries(db: Db, taskId: string): Promise<Entries> {
  const rows = await db
    .selectFrom('trigger_entries')
    .select((eb) => ['state', eb.fn.countAll<number>().as('count'), eb.fn.min('due_at').as('first')])
    .where('task_id', '=', taskId)
    .groupBy('state')
    .execute();
  const users = { waiting: 0, pushed: 0, cancelled: 0, skipped: 0 };
  for (const { state, count } of rows) {
    const name = ENTRY_STATES[state];
    if (name !== undefined) users[name] = count;
  }
  return { users, nextDueAt: rows.find(({ state }) => state === ENTRY.waiting)?.first ?? null };
}
