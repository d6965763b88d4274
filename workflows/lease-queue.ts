import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { quick } from './activities.ts';
import type { PushRun } from './push-run.ts';

/** Leases that wait for a lane, and when those of the next time zones join them. */
export interface LeaseQueue {
  readonly waiting: number[];
  nextDueAt: number | null;
}

/** The clocks of a worker and of the activities need not agree. */
const AGAIN_MS = 1000;

/** Opens the waves as they come due while the lanes run, and no longer. */
export async function withWaves(
  run: PushRun,
  queue: LeaseQueue,
  lanes: () => Promise<unknown>,
): Promise<void> {
  if (queue.nextDueAt === null) {
    await lanes();
    return;
  }
  const scope = new CancellationScope();
  const opened = scope.run(() => openWaves(run, queue)).catch(ignoreCancellation);
  await lanes();
  scope.cancel();
  await opened;
}

async function openWaves({ input }: PushRun, queue: LeaseQueue): Promise<void> {
  const { pushId } = input;
  while (queue.nextDueAt !== null) {
    const from = queue.nextDueAt;
    await sleep(Math.max(1, from - Date.now()), { summary: 'wait for the next time zones' });
    const { leases, nextDueAt } = await quick('open the next wave').dueLeases({ pushId, from });
    queue.waiting.push(...leases);
    queue.nextDueAt = nextDueAt;
    if (leases.length === 0) await sleep(AGAIN_MS);
  }
}

/** Whether the lane goes on: there is a lease for it now, or there will be none. */
export async function hasMore(queue: LeaseQueue, lanes: { readonly hasStopped: boolean }): Promise<boolean> {
  if (queue.nextDueAt === null) return false;
  const isOver = () => lanes.hasStopped || queue.nextDueAt === null || workflowInfo().continueAsNewSuggested;
  try {
    await condition(() => queue.waiting.length > 0 || isOver());
  } catch (error) {
    ignoreCancellation(error);
    return false;
  }
  return queue.waiting.length > 0;
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
