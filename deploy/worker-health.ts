import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { readConfig } from '../config.ts';
import { SENDER_QUEUE, TASK_QUEUE } from '../workflows/contract.ts';

// The health check of a worker's container: exit code 0 when Temporal has heard a worker of this host ask for tasks
// lately. A worker's identity ends with its host, which in a container is the container.

const TYPE_WORKFLOW = 1;
const TYPE_ACTIVITY = 2;
const LATELY_MS = 3 * 60_000;

const { temporal, workerRole } = readConfig();
const queue = workerRole === 'sender' ? SENDER_QUEUE : TASK_QUEUE;
const type = workerRole === 'sender' ? TYPE_ACTIVITY : TYPE_WORKFLOW;
const connection = await Connection.connect({ address: temporal.address, connectTimeout: '5s' });
const { pollers } = await connection.workflowService.describeTaskQueue({
  namespace: temporal.namespace,
  taskQueue: { name: queue },
  taskQueueType: type,
});
const heard = (pollers ?? []).some((poller) => {
  const seconds = Number(poller.lastAccessTime?.seconds ?? 0);
  return poller.identity?.endsWith(`@${hostname()}`) === true && Date.now() - seconds * 1000 < LATELY_MS;
});
await connection.close();
process.exitCode = heard ? 0 : 1;
