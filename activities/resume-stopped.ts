import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { listStopped } from '../db/app-stop.ts';
import type { Db } from '../db/database.ts';

/**
 * Tells tasks to go on that an emergency stop had paused and that nobody told of its end: Temporal was away, or they
 * paused just as it was lifted.
 */
export async function resumeStopped(db: Db, client: Client, limit: number): Promise<number> {
  let resumed = 0;
  for (const { taskId, resumedBy } of await listStopped(db, { limit })) {
    try {
      await client.workflow.getHandle(taskId).signal('resume', { by: resumedBy });
      resumed++;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return resumed;
}
