import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { quick } from '../activities.ts';
import type { Preparation } from './preparation.ts';
import type { PushWorkflowState } from './push-workflow-state.ts';

/** Leases that wait for a lane, and the moment at which those of the next time zones join them. */
export interface LeaseQueue {
  readonly waiting: number[];
  nextDueAt: number | null;
  /** Makes more leases. */
  readonly preparation: Preparation;
}

export function newQueue(
  workflow: PushWorkflowState,
  opened: { readonly leases: readonly number[]; readonly nextDueAt: number | null },
  preparation: Preparation,
): LeaseQueue {
  const { closesAt } = workflow.input;
  if (closesAt !== undefined) workflow.lastLease = Math.max(workflow.lastLease ?? -1, ...opened.leases);
  const joinableUntil = workflow.hasClosed === true ? undefined : closesAt;
  return { waiting: [...opened.leases], nextDueAt: joinableUntil ?? opened.nextDueAt, preparation };
}

export function mayGrow({ nextDueAt, preparation }: LeaseQueue): boolean {
  return nextDueAt !== null || preparation.isUnderWay;
}

/** Opens the waves as they come due while the lanes run, and no longer. */
export async function withWaves(
  workflow: PushWorkflowState,
  queue: LeaseQueue,
  lanes: () => Promise<unknown>,
): Promise<void> {
  if (queue.nextDueAt === null) {
    await lanes();
    return;
  }
  const scope = new CancellationScope();
  const isJoinable = workflow.input.closesAt !== undefined && workflow.hasClosed !== true;
  const open = isJoinable ? queueJoined : openWaves;
  const opened = scope.run(() => open(workflow, queue)).catch(ignoreCancellation);
  await lanes();
  scope.cancel();
  await opened;
}

async function openWaves({ input }: PushWorkflowState, queue: LeaseQueue): Promise<void> {
  const { pushId } = input;
  while (queue.nextDueAt !== null) {
    const from = queue.nextDueAt;
    await sleep(Math.max(1, from - Date.now()), { summary: 'await the next time zones' });
    const { leases, nextDueAt } = await quick('open the next wave').dueLeases({ pushId, from });
    queue.waiting.push(...leases);
    queue.nextDueAt = nextDueAt;
    if (leases.length === 0) await awaitOtherClock();
  }
}

const OTHER_CLOCK_MS = 1000;

/**
 * A wave that is due by a worker's clock may not be due by the clock of the activities, because these may
 * differ.
 */
async function awaitOtherClock(): Promise<void> {
  await sleep(OTHER_CLOCK_MS, { summary: 'await the clock of the activities' });
}

/** The progress of a push that users join until the clock hour ends. */
interface Joining {
  readonly closesAt: number;
  /** Leases that are queued already. */
  readonly known: Set<number>;
  /** The end of the quiet hours that hold some leases back. */
  heldTo: number | null;
  /** The count of joins when leases were last taken. */
  seen: number;
}

async function queueJoined(workflow: PushWorkflowState, queue: LeaseQueue): Promise<void> {
  const { closesAt = 0 } = workflow.input;
  const joining: Joining = { closesAt, known: new Set(queue.waiting), heldTo: null, seen: -1 };
  while (workflow.hasClosed !== true) {
    await awaitJoin(workflow, joining);
    await takeNewLeases(workflow, queue, joining);
  }
  queue.nextDueAt = joining.heldTo;
  await openWaves(workflow, queue);
}

/** Waits until users have joined, held leases are due, or the hour ends. */
async function awaitJoin(workflow: PushWorkflowState, { closesAt, heldTo, seen }: Joining): Promise<void> {
  const wakeAt = Math.min(closesAt, heldTo ?? closesAt);
  const hasJoined = () => seen !== (workflow.joined ?? 0);
  while (Date.now() < wakeAt && !hasJoined()) {
    const summary = 'await joining users until the clock hour ends';
    await condition(hasJoined, Math.max(1, wakeAt - Date.now()), { summary });
  }
}

/** Each batch of users who joined has leases of its own. */
async function takeNewLeases(
  workflow: PushWorkflowState,
  queue: LeaseQueue,
  joining: Joining,
): Promise<void> {
  const isOver = Date.now() >= joining.closesAt;
  joining.seen = workflow.joined ?? 0;
  const { leases, nextDueAt } = await readJoinedLeases(workflow, isOver);
  joining.heldTo = nextDueAt;
  const fresh = leases.filter((lease) => !joining.known.has(lease));
  for (const lease of fresh) joining.known.add(lease);
  queue.waiting.push(...fresh);
  if (isOver) workflow.hasClosed = true;
  else if (nextDueAt !== null && nextDueAt <= Date.now()) await awaitOtherClock();
}

async function readJoinedLeases(workflow: PushWorkflowState, close: boolean) {
  const { pushId } = workflow.input;
  const above = workflow.lastLease ?? -1;
  const read = quick(close ? 'close the push and read its last leases' : 'read the leases of joined users');
  const answer = await read.joinedLeases({ pushId, above, close });
  workflow.lastLease = Math.max(above, ...answer.leases);
  return answer;
}

/** Whether the lane goes on: false when no lease will come. */
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
