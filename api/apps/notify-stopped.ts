import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { hasSenders, listStopped } from '../../db/apps/app-stop.ts';
import { insertOrigin, type Origin } from '../../db/audit/audit.ts';
import { LEASE_SILENT_MS } from '../../domain/pushes/lease-time.ts';
import { RESUME_COMMAND } from '../../domain/tasks/commands.ts';
import type { ApiDeps } from '../http/deps.ts';
import { isUnavailable } from '../http/problem-handler.ts';
import { isTimeout } from '../tasks/task-command.ts';

const LIMIT = 10_000;
const AT_ONCE = 20;
const SIGNAL_MS = 3_000;

const POLL_MS = 50;

/**
 * Resolves when no sender can start a request of the app any more. Each sender has released its leases, or has been
 * silent for so long that its own clock forbids it. No claim succeeds after the stop, so the wait is short.
 */
export async function untilSendersStopped(deps: ApiDeps, appId: string): Promise<void> {
  const end = performance.now() + LEASE_SILENT_MS;
  while (performance.now() < end && (await hasSenders(deps.db, { appId, now: await deps.clock() }))) {
    await delay(POLL_MS);
  }
}

/**
 * Tells the tasks that the stop had paused to resume. Signals do so without a running worker. Housekeeping tells
 * the tasks that were not reached, because Temporal is not reachable or the task paused only a moment ago.
 */
export async function resumeStopped(
  deps: ApiDeps,
  { appId, personId, origin }: { appId: string; personId: string; origin: Origin },
): Promise<{ resumed: string[]; pending: boolean }> {
  const stopped = await listStopped(deps.db, { appId, limit: LIMIT });
  if (stopped.length === 0) return { resumed: [], pending: false };
  await insertOrigin(deps.db, origin);
  const resumed: string[] = [];
  for (let from = 0; from < stopped.length; from += AT_ONCE) {
    const batch = stopped.slice(from, from + AT_ONCE);
    const told = await Promise.all(
      batch.map(({ taskId }) => tell(deps, taskId, { by: personId, origin: origin.id })),
    );
    resumed.push(...batch.flatMap(({ taskId }, index) => (told[index] === 'told' ? [taskId] : [])));
    if (told.includes('away')) return { resumed, pending: true };
  }
  return { resumed, pending: stopped.length === LIMIT };
}

async function tell(
  { temporal }: ApiDeps,
  taskId: string,
  payload: { by: string; origin: string },
): Promise<'told' | 'ended' | 'away'> {
  try {
    await temporal.withDeadline(Date.now() + SIGNAL_MS, () =>
      temporal.workflow.getHandle(taskId).signal(RESUME_COMMAND, payload),
    );
    return 'told';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'ended';
    if (isTimeout(error) || (error instanceof Error && isUnavailable(error))) return 'away';
    throw error;
  }
}
