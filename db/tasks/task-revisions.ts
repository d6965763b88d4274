import type { Transaction } from 'kysely';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import { insertRevisionRow, listedOf, lockTask, type Task } from './tasks.ts';

export interface NewRevision {
  readonly appId: string;
  readonly taskId: string;
  readonly definition: TaskDefinition;
  readonly madeBy: string;
  readonly now: Date;
  /** The revision that the change is based on. */
  readonly from: number;
}

export interface Revision {
  readonly revision: number;
  readonly madeBy: string;
  readonly madeAt: Date;
  readonly definition: TaskDefinition;
}

/** `stale`: another person has made a revision since. `moved`: the task is no longer a draft. */
export type RevisionResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly why: 'stale' | 'moved'; readonly task: Task };

/** Changes a draft or a rejected task, which becomes a draft again. */
export async function reviseDraft(db: Db, args: NewRevision): Promise<RevisionResult> {
  return await db.transaction().execute(async (trx) => {
    const task = await lockTask(trx, args);
    if (task === undefined) throw new Error(`Task ${args.taskId} vanished`);
    if (task.status !== 'draft' && task.status !== 'rejected') return { ok: false, why: 'moved', task };
    if (task.revision !== args.from) return { ok: false, why: 'stale', task };
    const revision = await insertNextRevision(trx, args);
    await trx
      .updateTable('tasks')
      .set({
        ...listedOf(args.definition),
        revision,
        status: 'draft',
        status_reason: null,
        updated_at: args.now,
      })
      .where('id', '=', args.taskId)
      .execute();
    return { ok: true, revision };
  });
}

/** Adds a revision to a submitted task. The revision takes effect when the workflow accepts it. */
export async function proposeRevision(db: Db, args: NewRevision): Promise<RevisionResult> {
  return await db.transaction().execute(async (trx) => {
    const task = await lockTask(trx, args);
    if (task === undefined) throw new Error(`Task ${args.taskId} vanished`);
    if (task.revision !== args.from) return { ok: false, why: 'stale', task };
    return { ok: true, revision: await insertNextRevision(trx, args) };
  });
}

export async function listRevisions(db: Db, { taskId }: { taskId: string }): Promise<Revision[]> {
  return await selectRevisions(db, taskId).orderBy('revision', 'desc').execute();
}

/** The given revisions of the task, in no particular order. Unknown ones are left out. */
export async function findRevisions(
  db: Db,
  { taskId, revisions }: { taskId: string; revisions: readonly number[] },
): Promise<Revision[]> {
  return await selectRevisions(db, taskId).where('revision', 'in', revisions).execute();
}

function selectRevisions(db: Db, taskId: string) {
  return db
    .selectFrom('task_revisions')
    .select(['revision', 'made_by as madeBy', 'made_at as madeAt', 'definition'])
    .where('task_id', '=', taskId);
}

/** Inserts the next revision. The caller's lock on the task's row prevents duplicate numbers. */
async function insertNextRevision(trx: Transaction<Schema>, args: NewRevision): Promise<number> {
  const { last } = await trx
    .selectFrom('task_revisions')
    .select((eb) => eb.fn.max('revision').as('last'))
    .where('task_id', '=', args.taskId)
    .executeTakeFirstOrThrow();
  const revision = (last ?? 0) + 1;
  await insertRevisionRow(trx, { ...args, revision });
  return revision;
}
