import type { Db } from './database.ts';

/** Pushes that are not finalised, and tasks that should have a workflow; oldest first. */
export async function listUnfinished(
  db: Db,
  args: { createdBefore: Date; limit: number },
): Promise<{ pushes: UnfinishedPush[]; taskIds: string[] }> {
  const pushes = await db
    .selectFrom('pushes')
    .select(['no', 'id', 'slot', 'status', 'window_ends_at as windowEndsAt'])
    .where('finalised_at', 'is', null)
    .where('created_at', '<', args.createdBefore)
    .orderBy('no')
    .limit(args.limit)
    .execute();
  const tasks = await db
    .selectFrom('tasks')
    .select('id')
    .where('status', 'in', ['pending_approval', 'scheduled', 'sending', 'paused', 'collecting'])
    .where('updated_at', '<', args.createdBefore)
    .orderBy('updated_at')
    .limit(args.limit)
    .execute();
  return { pushes, taskIds: tasks.map(({ id }) => id) };
}

export interface UnfinishedPush {
  readonly no: number;
  readonly id: string;
  readonly slot: Date | null;
  readonly status: string;
  readonly windowEndsAt: Date | null;
}

/** The workflow of the task is gone and will not say so itself. */
export async function failTask(db: Db, args: { taskId: string; reason: string; now: Date }): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ status: 'failed', status_reason: args.reason, in_push: false, updated_at: args.now })
    .where('id', '=', args.taskId)
    .where('status', 'in', ['pending_approval', 'scheduled', 'sending', 'paused', 'collecting'])
    .execute();
}
