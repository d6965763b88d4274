import { sql, type Transaction } from 'kysely';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { PUSHES_JOINABLE } from '../../domain/tasks/task-status.ts';
import { hourOf } from '../../domain/tasks/trigger-hour.ts';
import { logContacts } from '../caps/contact-log.ts';
import { findSuppression } from '../caps/suppression.ts';
import type { Db } from '../core/database.ts';
import { createPartition, holdPartition, partitionStartOf } from '../ledger/partitions.ts';
import type { PushRow } from '../ledger/pushes.ts';
import { countGroups, cutLeases, cutSoFar, groupDeliveries } from '../preparation/cut-leases.ts';
import { insertDeliveries, rangesOf } from '../preparation/insert-deliveries.ts';
import { type DueLeases, findWaves, nextDueAt } from '../preparation/waves.ts';
import type { Schema } from '../schema/schema.ts';
import { findDefinition } from '../tasks/task-state.ts';
import { type DueTrigger, ENTRY } from './triggers.ts';

/** The push of this clock hour, which users who are due now join if it is open. */
export async function findOpenPush(
  db: Db,
  args: DueTrigger & { now: Date },
): Promise<{ no: number; id: string } | undefined> {
  return await db
    .selectFrom('pushes')
    .select(['no', 'id'])
    .where('task_id', '=', args.taskId)
    .where('revision', '=', args.revision)
    .where('due_at', '=', new Date(hourOf(args.now.getTime())))
    .where('status', 'in', PUSHES_JOINABLE)
    .where('partition_start', 'is not', null)
    .where('closed_at', 'is', null)
    .executeTakeFirst();
}

/** Makes the push ready for users to join, without any of them. A second call changes nothing. */
export async function openToJoin(db: Db, args: { pushNo: number; now: Date }): Promise<void> {
  const partitionStart = partitionStartOf(args.now);
  await createPartition(db, partitionStart);
  await db.transaction().execute(async (trx) => {
    if (!(await holdPartition(trx, partitionStart)))
      throw new Error('the partition was dropped in the meantime: retry');
    await trx
      .updateTable('pushes')
      .set({ partition_start: partitionStart })
      .where('no', '=', args.pushNo)
      .where('partition_start', 'is', null)
      .execute();
  });
}

/**
 * Takes a batch of due users into the push: their devices in the audience of the task become deliveries with
 * leases of their own. Returns how many users were taken, or undefined when the push is closed to them.
 */
export async function joinPush(
  db: Db,
  args: DueTrigger & { pushNo: number; limit: number; now: Date },
): Promise<number | undefined> {
  return await db.transaction().execute(async (trx) => {
    const push = await trx
      .selectFrom('pushes')
      .select([
        'no',
        'app_id',
        'partition_start',
        'task_id',
        'revision',
        'closed_at',
        'status',
        'contacts_logged_at',
      ])
      .select('status_reason')
      .where('no', '=', args.pushNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const isOpen = push.closed_at === null && PUSHES_JOINABLE.includes(push.status);
    if (!isOpen || push.partition_start === null) return undefined;
    const userIds = await takeDue(trx, args);
    if (userIds.length > 0) {
      const definition = await findDefinition(trx, push);
      await addUsers(trx, {
        ...args,
        push: { ...push, partition_start: push.partition_start },
        userIds,
        definition,
      });
      // The reason said why no user could join.
      if (push.status_reason !== null) {
        await trx.updateTable('pushes').set({ status_reason: null }).where('no', '=', push.no).execute();
      }
    }
    return userIds.length;
  });
}

/**
 * Takes users who are due. Users who did the unless-event since are cancelled, and users who are too late are
 * skipped. A user who is in the push already is not pushed to twice.
 */
async function takeDue(
  trx: Transaction<Schema>,
  { taskId, pushNo, limit, now }: { taskId: string; pushNo: number; limit: number; now: Date },
): Promise<string[]> {
  const { rows } = await sql<{ user_id: string; state: number; is_new: boolean }>`
    with due as (
      -- The next users who are due. Other processes take others.
      select entry.task_id, entry.user_id, entry.event_at, entry.due_at, trig.unless_no, trig.grace_ms,
        entry.push_no is distinct from ${pushNo}::bigint as is_new
      from trigger_entries entry
      join triggers trig using (task_id)
      where entry.task_id = ${taskId}
        and entry.state = ${ENTRY.waiting}
        and entry.due_at <= ${now}
        and not trig.paused
      order by entry.due_at
      limit ${limit}
      for update of entry skip locked
    ), judged as (
      -- The unless-event cancels, and the grace period ends before the push.
      select *,
        case
          when unless_no is not null and exists (
            select from events event
            where event.user_id = due.user_id
              and event.name_no = due.unless_no
              and event.at >= due.event_at
              and event.at <= due.due_at
          ) then ${ENTRY.cancelled}::smallint
          when due_at + grace_ms * interval '1 millisecond' < ${now} then ${ENTRY.skipped}::smallint
          else ${ENTRY.pushed}::smallint
        end as verdict
      from due
    )
    update trigger_entries entry
    set state = judged.verdict,
      pushed_event_at = case
        when judged.verdict = ${ENTRY.pushed} then entry.event_at
        else entry.pushed_event_at
      end,
      push_no = case when judged.verdict = ${ENTRY.pushed} then ${pushNo}::bigint else entry.push_no end
    from judged
    where entry.task_id = judged.task_id
      and entry.user_id = judged.user_id
    returning entry.user_id, entry.state, judged.is_new`.execute(trx);
  return rows.filter(({ state, is_new }) => state === ENTRY.pushed && is_new).map(({ user_id }) => user_id);
}

async function addUsers(
  trx: Transaction<Schema>,
  args: {
    pushNo: number;
    appId: string;
    definition: TaskDefinition;
    push: Pick<PushRow, 'no' | 'app_id' | 'task_id' | 'revision' | 'contacts_logged_at'> & {
      partition_start: Date;
    };
    userIds: string[];
    now: Date;
  },
): Promise<void> {
  const { pushNo, push, userIds, now } = args;
  const { partition_start: partitionStart } = push;
  const { above, firstLease } = await cutSoFar(trx, { pushNo, partitionStart });
  const suppression = await findSuppression(trx, args);
  const waves = await findWaves(trx, { ...args, hold: suppression.hold });
  const { written, sizes } = await insertDeliveries(trx, {
    ...args,
    partitionStart,
    frozenNo: undefined,
    waves,
    suppression,
    userIds,
    above,
  });
  const ranges = rangesOf(waves, sizes, above);
  const grouped = await groupDeliveries(trx, { pushNo, partitionStart, ranges, written, above });
  await countGroups(trx, pushNo, grouped);
  await cutLeases(trx, { pushNo, ranges, grouped, firstLease });
  if (grouped.sendable === 0) return;
  // A push that is in the contact log stays in it, even when the app has no caps for a while.
  if (suppression.hasCaps || push.contacts_logged_at !== null) await logContacts(trx, push, now, above);
}

/**
 * The leases above a number, and those that were held back and are due, also if they were given before. With
 * `close` no user joins after them.
 */
export async function joinedLeases(
  db: Db,
  args: { pushNo: number; above: number; close: boolean; now: Date },
): Promise<DueLeases> {
  if (args.close) {
    await db
      .updateTable('pushes')
      .set({ closed_at: args.now })
      .where('no', '=', args.pushNo)
      .where('closed_at', 'is', null)
      .execute();
  }
  const rows = await db
    .selectFrom('leases')
    .select('lease_no')
    .where('push_no', '=', args.pushNo)
    .where('done', '=', false)
    .where(({ and, eb, or }) =>
      or([and([eb('due_at', 'is', null), eb('lease_no', '>', args.above)]), eb('due_at', '<=', args.now)]),
    )
    .orderBy('lease_no')
    .execute();
  return { leases: rows.map((row) => row.lease_no), nextDueAt: await nextDueAt(db, args) };
}
