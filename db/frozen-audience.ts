import { sql, type Transaction } from 'kysely';
import type { Db } from './database.ts';
import { memberRows, sourceOf } from './recipients.ts';
import type { Schema } from './schema.ts';

/**
 * Copies who is in the audience of a revision, once: whoever comes second waits for the first, and takes its copy.
 * Answers the copy's number. Losses are decided at the push: a device may have lost its token by then.
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
    .selectFrom('task_revisions as r')
    .innerJoin('tasks as t', 't.id', 'r.task_id')
    .select(['t.app_id as appId', 'r.definition'])
    .where('r.task_id', '=', taskId)
    .where('r.revision', '=', revision)
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

/** Copies of tasks that will not push again. */
export async function dropFrozenAudiences(db: Db): Promise<void> {
  await sql`
    delete from frozen_audiences f using tasks t where t.id = f.task_id
      and t.status in ('collecting', 'completed', 'cancelled', 'expired', 'failed')`.execute(db);
}
