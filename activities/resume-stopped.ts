import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { listStopped } from '../db/apps/app-stop.ts';
import type { Db } from '../db/core/database.ts';
import { RESUME_COMMAND } from '../domain/tasks/commands.ts';

/**
 * Resumes the tasks that an emergency stop paused and that missed the end of the stop. Temporal was away at
 * that time, or the task paused just as the stop was lifted.
 */
export async function resumeStopped(db: Db, client: Client, limit: number): Promise<number> {
  let resumed = 0;
  for (const { taskId, resumedBy } of await listStopped(db, { limit })) {
    try {
      await client.workflow.getHandle(taskId).signal(RESUME_COMMAND, { by: resumedBy });
      resumed++;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return resumed;
}
