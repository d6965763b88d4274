import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { quick } from './activities.ts';
import type { Preparation } from './preparation.ts';
import type { PushRun } from './push-run.ts';

/** Leases that wait for a lane, and when those of the next time zones join them. */
export interface LeaseQueue {
  readonly waiting: number[];
  nextDueAt: number | null;
  /** Makes more of them. */
  readonly preparation: Preparation;
}

export function newQueue(
  run: PushRun,
  opened: { readonly leases: readonly number[]; readonly nextDueAt?: number | null },
  preparation: Preparation,
): LeaseQueue {
  if (run.input.closesAt !== undefined) run.lastLease = Math.max(run.lastLease ?? -1, ...opened.leases);
  const closesAt = run.hasClosed === true ? undefined : run.input.closesAt;
  return { waiting: [...opened.leases], nextDueAt: closesAt ?? opened.nextDueAt ?? null, preparation };
}

export function mayGrow({ nextDueAt, preparation }: LeaseQueue): boolean {
  return nextDueAt !== null || preparation.isUnderWay;
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
  const isOpen = run.input.closesAt !== undefined && run.hasClosed !== true;
  const open = isOpen ? takeJoined : openWaves;
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

/** Users join until the clock hour ends: each batch of them has leases of its own, some of which quiet hours hold back. */
async function takeJoined(run: PushRun, queue: LeaseQueue): Promise<void> {
  const { closesAt = 0 } = run.input;
  const given = new Set(queue.waiting);
  let heldTo: number | null = null;
  let seen = -1;
  while (run.hasClosed !== true) {
    const wakeAt = Math.min(closesAt, heldTo ?? closesAt);
    if (Date.now() < wakeAt && seen === (run.joined ?? 0)) {
      const summary = 'users may join until the hour ends';
      await condition(() => seen !== (run.joined ?? 0), Math.max(1, wakeAt - Date.now()), { summary });
      continue;
    }
    const isOver = Date.now() >= closesAt;
    seen = run.joined ?? 0;
    const { leases, nextDueAt } = await askForJoined(run, isOver);
    heldTo = nextDueAt;
    const fresh = leases.filter((lease) => !given.has(lease));
    for (const lease of fresh) given.add(lease);
    queue.waiting.push(...fresh);
    if (isOver) run.hasClosed = true;
    else if (heldTo !== null && heldTo <= Date.now()) await sleep(AGAIN_MS);
  }
  queue.nextDueAt = heldTo;
  await openWaves(run, queue);
}

async function askForJoined(run: PushRun, close: boolean) {
  const { pushId } = run.input;
  const above = run.lastLease ?? -1;
  const joined = await quick(close ? 'close the push' : 'take who joined').joinedLeases({
    pushId,
    above,
    close,
  });
  // A list is in histories from before quiet hours could hold anybody back.
  const answer = Array.isArray(joined) ? { leases: joined as number[], nextDueAt: null } : joined;
  run.lastLease = Math.max(above, ...answer.leases);
  return answer;
}

/** Whether the lane goes on: there is a lease for it now, or there will be none. */
export async function hasMore(queue: LeaseQueue, lanes: { readonly hasStopped: boolean }): Promise<boolean> {
  if (!mayGrow(queue)) return false;
  const isOver = () => lanes.hasStopped || !mayGrow(queue) || workflowInfo().continueAsNewSuggested;
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
