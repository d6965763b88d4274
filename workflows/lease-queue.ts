import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { quick } from './activities.ts';
import type { PushRun } from './push-run.ts';

/** Leases that wait for a lane, and when those of the next time zones join them. */
export interface LeaseQueue {
  readonly waiting: number[];
  nextDueAt: number | null;
}

export function newQueue(
  run: PushRun,
  opened: { readonly leases: readonly number[]; readonly nextDueAt?: number | null },
): LeaseQueue {
  if (run.input.closesAt !== undefined) run.lastLease = Math.max(run.lastLease ?? -1, ...opened.leases);
  const closesAt = run.hasClosed === true ? null : (run.input.closesAt ?? null);
  return { waiting: [...opened.leases], nextDueAt: opened.nextDueAt ?? closesAt };
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
  const open = run.input.closesAt === undefined ? openWaves : takeJoined;
  const opened = scope.run(() => open(run, queue)).catch(ignoreCancellation);
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

/** Users join until the clock hour ends: each batch of them is a lease of its own. */
async function takeJoined(run: PushRun, queue: LeaseQueue): Promise<void> {
  const { pushId, closesAt = 0 } = run.input;
  let seen = -1;
  while (run.hasClosed !== true) {
    const isOver = Date.now() >= closesAt;
    if (!isOver && seen === (run.joined ?? 0)) {
      const summary = 'users may join until the hour ends';
      await condition(() => seen !== (run.joined ?? 0), Math.max(1, closesAt - Date.now()), { summary });
      continue;
    }
    seen = run.joined ?? 0;
    const above = run.lastLease ?? -1;
    const leases = await quick(isOver ? 'close the push' : 'take who joined').joinedLeases({
      pushId,
      above,
      close: isOver,
    });
    run.lastLease = Math.max(above, ...leases);
    queue.waiting.push(...leases);
    if (isOver) run.hasClosed = true;
  }
  queue.nextDueAt = null;
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
