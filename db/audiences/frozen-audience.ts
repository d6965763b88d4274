import { sql, type Transaction } from 'kysely';
import { TASKS_DONE_SENDING } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import { memberRows, sourceOf } from './recipients.ts';

/**
 * Copies the members of a revision's audience once. A second caller waits for the first and uses its copy.
 * Answers the copy's number. Losses are decided at the push, because a device may lose its token before it.
 */
export async function freezeAudience(
  db: Db,
  args: { taskId: string; revision: number; now: Date },
): Promise<number> {
  const { taskId, revision, now } = args;
  return await db.transaction().execute(async (trx) => {
    const made = await trx
      .insertInto('frozen_audiences')
      .values({ task_id: taskId, revision, members: 0, frozen_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('no')
      .executeTakeFirst();
    if (made === undefined) return await findFrozen(trx, args);
    await copyMembers(trx, { ...args, frozenNo: made.no });
    return made.no;
  });
}

async function findFrozen(
  db: Db,
  { taskId, revision }: { taskId: string; revision: number },
): Promise<number> {
  const { no } = await db
    .selectFrom('frozen_audiences')
    .select('no')
    .where('task_id', '=', taskId)
    .where('revision', '=', revision)
    .executeTakeFirstOrThrow();
  return no;
}

async function copyMembers(
  trx: Transaction<Schema>,
  { taskId, revision, now, frozenNo }: { taskId: string; revision: number; now: Date; frozenNo: number },
): Promise<void> {
  const { appId, definition } = await trx
    .selectFrom('task_revisions as rev')
    .innerJoin('tasks as task', 'task.id', 'rev.task_id')
    .select(['task.app_id as appId', 'rev.definition'])
    .where('rev.task_id', '=', taskId)
    .where('rev.revision', '=', revision)
    .executeTakeFirstOrThrow();
  const { audience, platforms } = definition;
  const from = { audience: await sourceOf(trx, { appId, audience }) };
  const planning = { appId, now, from, platforms, exclusions: [], devices: 'all' } as const;
  const { numAffectedRows } = await sql`
    insert into frozen_members (frozen_no, kind, id, device_no, is_duplicate)
    select ${frozenNo}, kind, id, device_no, is_duplicate from (${await memberRows(trx, planning)}) members`.execute(
    trx,
  );
  await trx
    .updateTable('frozen_audiences')
    .set({ members: Number(numAffectedRows ?? 0) })
    .where('no', '=', frozenNo)
    .execute();
}

/** Deletes the copies of tasks that will not push again. */
export async function dropFrozenAudiences(db: Db): Promise<void> {
  await sql`
    delete from frozen_audiences frozen
    using tasks task
    where task.id = frozen.task_id and task.status = any(${TASKS_DONE_SENDING}::text[])`.execute(db);
}
