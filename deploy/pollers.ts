import { Connection } from '@temporalio/client';
import { SENDER_QUEUE, TASK_QUEUE } from '../domain/workflows/contract.ts';

const TYPE_WORKFLOW = 1;
const TYPE_ACTIVITY = 2;
/** A poll waits a minute, and Temporal forgets a poller after five minutes. */
const LATELY_MS = 3 * 60_000;

export interface PollerQuery {
  address: string;
  namespace: string;
  role: 'workflow' | 'sender' | 'both';
  isWanted: (identity: string) => boolean;
}

/** Whether a matching worker has lately polled Temporal for tasks of its role. */
export async function isPolled({ address, namespace, role, isWanted }: PollerQuery): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '5s' });
  try {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: role === 'sender' ? SENDER_QUEUE : TASK_QUEUE },
      taskQueueType: role === 'sender' ? TYPE_ACTIVITY : TYPE_WORKFLOW,
    });
    return (pollers ?? []).some((poller) => {
      const heardAt = Number(poller.lastAccessTime?.seconds ?? 0) * 1000;
      return isWanted(poller.identity ?? '') && Date.now() - heardAt < LATELY_MS;
    });
  } finally {
    await connection.close();
  }
}
