import { SWEEP_START, type SweepCursor } from '../../domain/pushes/sweep-cursor.ts';
import { TASKS_WITH_WORKFLOW } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';

/**
 * Pushes that are not finalised and tasks that should have a workflow, from a cursor on, with the next
 * cursor. A query for the oldest alone would always return the same rows, because most are healthy and stay
 * unfinished.
 */
export async function listUnfinished(
  db: Db,
  args: { createdBefore: Date; after?: SweepCursor | undefined; limit: number },
): Promise<{ pushes: UnfinishedPush[]; taskIds: string[]; next: SweepCursor }> {
  const { after = SWEEP_START, limit } = args;
  const pushes = await db
    .selectFrom('pushes')
    .select(['no', 'id', 'partition_start as partitionStart', 'status', 'window_ends_at as windowEndsAt'])
    .where('finalised_at', 'is', null)
    .where('created_at', '<', args.createdBefore)
    .where('no', '>', after.pushNo)
    .orderBy('no')
    .limit(limit)
    .execute();
  const tasks = await db
    .selectFrom('tasks')
    .select('id')
    .where('status', 'in', TASKS_WITH_WORKFLOW)
    .where('updated_at', '<', args.createdBefore)
    .where('id', '>', after.taskId)
    .orderBy('id')
    .limit(limit)
    .execute();
  // After the last rows the cursor returns to the start.
  const next = {
    pushNo: (pushes.length < limit ? undefined : pushes.at(-1)?.no) ?? SWEEP_START.pushNo,
    taskId: (tasks.length < limit ? undefined : tasks.at(-1)?.id) ?? SWEEP_START.taskId,
  };
  return { pushes, taskIds: tasks.map(({ id }) => id), next };
}

export interface UnfinishedPush {
  readonly no: number;
  readonly id: string;
  readonly partitionStart: Date | null;
  readonly status: string;
  readonly windowEndsAt: Date | null;
}

/** Records the failure of a task whose workflow is gone and cannot record it. */
export async function failTask(db: Db, args: { taskId: string; reason: string; now: Date }): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ status: 'failed', status_reason: args.reason, in_push: false, updated_at: args.now })
    .where('id', '=', args.taskId)
    .where('status', 'in', TASKS_WITH_WORKFLOW)
    .execute();
}
