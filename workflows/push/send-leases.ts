import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import { APP_STOPPED } from '../../domain/pushes/app-stop.ts';
import { MAX_CONCURRENT_LEASES } from '../../domain/pushes/max-concurrent-leases.ts';
import { local, quick, sender } from '../activities.ts';
import { hasMore, type LeaseQueue, mayGrow, newQueue, withWaves } from './lease-queue.ts';
import type { Preparation } from './preparation.ts';
import { type PushWorkflowState, report, reportStatus, setTimes } from './push-workflow-state.ts';

type Outcome = 'sent' | 'stopped' | 'continue';

/**
 * Opens the push and gives its leases to senders until all are done ('sent'), or something stopped them
 * ('stopped': check the workflow state again), or the history is long enough ('continue'). No sender is left
 * running.
 */
export async function sendLeases(
  workflow: PushWorkflowState,
  startBefore: number,
  preparation: Preparation,
): Promise<Outcome> {
  const arrived: number[] = [];
  preparation.listen((leases) => arrived.push(...leases));
  try {
    const opened = await openPush(workflow);
    const stop = await stopReason(workflow, opened);
    if (stop !== null) {
      applyStop(workflow, stop);
      return 'stopped';
    }
    const queue = newQueue(workflow, opened, preparation);
    addArriving(queue, opened.leases, arrived);
    return await runLanes(workflow, { epoch: opened.epoch, startBefore }, queue);
  } finally {
    preparation.listen(undefined);
  }
}

async function openPush(workflow: PushWorkflowState) {
  const { resume } = workflow;
  // A resume that arrives during the opening is meant for the next one.
  workflow.resume = false;
  return await local('open the push for sending').openPush({ pushId: workflow.input.pushId, resume });
}

interface Stop {
  /** The push was fenced for a cancel. */
  readonly isCancelled: boolean;
  /** Why the push pauses by itself. */
  readonly halted: string | null;
}

/** Null when the push may send. A fence counts as an instruction only when no instruction follows it. */
async function stopReason(
  workflow: PushWorkflowState,
  { wanted, isAppStopped }: Pick<Awaited<ReturnType<typeof openPush>>, 'wanted' | 'isAppStopped'>,
): Promise<Stop | null> {
  if (wanted === null && !isAppStopped) return null;
  const isInstructed = wanted === null || (await awaitInstruction(workflow));
  const paused = isInstructed || wanted === 'cancel' ? null : 'paused';
  return {
    isCancelled: !isInstructed && wanted === 'cancel',
    halted: isAppStopped ? APP_STOPPED : paused,
  };
}

function applyStop(workflow: PushWorkflowState, { isCancelled, halted }: Stop): void {
  if (isCancelled) workflow.instruction = { no: workflow.instruction.no, wanted: 'cancel' };
  if (halted !== null) workflow.halted = halted;
}

const INSTRUCTION_MS = 5_000;

/**
 * The process that fences a push signals the task next, and the task instructs the push. A push that acted
 * before would have the task paused or cancelled when the command arrives. No instruction comes when that
 * process has died.
 */
async function awaitInstruction(workflow: PushWorkflowState): Promise<boolean> {
  const hasArrived = () => workflow.instruction.no > workflow.obeyed || workflow.instruction.wanted !== 'run';
  return await condition(hasArrived, INSTRUCTION_MS, { summary: 'await instruction after fence' });
}

/** Queues each lease once, because leases that were made during the opening may be in its list, too. */
function addArriving(queue: LeaseQueue, listed: readonly number[], arrived: readonly number[]): void {
  const known = new Set(listed);
  const add = (leases: readonly number[]) => queue.waiting.push(...leases.filter((no) => !known.has(no)));
  add(arrived);
  queue.preparation.listen(add);
}

interface Opening {
  readonly epoch: number;
  readonly startBefore: number;
}

type Lanes = { hasStopped: boolean; hasEnded: boolean };

async function runLanes(workflow: PushWorkflowState, opening: Opening, queue: LeaseQueue): Promise<Outcome> {
  const lanes: Lanes = { hasStopped: false, hasEnded: false };
  const scope = new CancellationScope();
  const all = () =>
    Promise.all(
      Array.from({ length: MAX_CONCURRENT_LEASES }, () => runLane(workflow, opening, queue, lanes)),
    );
  const ended = scope
    .run(() => withWaves(workflow, queue, all))
    .then(() => {
      lanes.hasEnded = true;
    });
  if (workflow.status !== 'sending') await reportStatus(workflow, 'sending', null);
  await untilStopped(workflow, lanes);
  if (!lanes.hasEnded) {
    lanes.hasStopped = true;
    const { pushId } = workflow.input;
    const fenced = quick('fence the push: stop the senders').fencePush({ pushId, wanted: null });
    scope.cancel();
    await Promise.all([fenced, ended]);
  }
  await ended;
  if (lanes.hasStopped) return 'stopped';
  return queue.waiting.length > 0 || mayGrow(queue) ? 'continue' : 'sent';
}

async function untilStopped(workflow: PushWorkflowState, lanes: Lanes): Promise<void> {
  const mustStop = () => lanes.hasEnded || lanes.hasStopped || workflow.instruction.wanted !== 'run';
  const isInstructed = () => workflow.instruction.no > workflow.obeyed;
  for (;;) {
    const { windowEndsAt } = workflow;
    const hasMoved = () => mustStop() || isInstructed() || workflow.windowEndsAt !== windowEndsAt;
    if (windowEndsAt === null) await condition(hasMoved);
    else {
      const summary = 'await all senders, or the end of the receipt window';
      await condition(hasMoved, Math.max(1, windowEndsAt - Date.now()), { summary });
    }
    if (mustStop() || (windowEndsAt !== null && Date.now() >= windowEndsAt)) return;
    if (isInstructed()) {
      workflow.obeyed = workflow.instruction.no;
      await report(workflow);
    }
  }
}

/**
 * A lane gives out one lease at a time and never throws. The failure of a sender stops the push with a
 * reason.
 */
async function runLane(
  workflow: PushWorkflowState,
  { epoch, startBefore }: Opening,
  queue: LeaseQueue,
  lanes: Lanes,
): Promise<void> {
  const { pushId } = workflow.input;
  while (!lanes.hasStopped && !workflowInfo().continueAsNewSuggested) {
    const leaseNo = queue.waiting.shift();
    if (leaseNo === undefined) {
      if (await hasMore(queue, lanes)) continue;
      return;
    }
    try {
      const { trust } = workflow;
      const send = sender(`send lease ${leaseNo}, epoch ${epoch}`);
      const result = await send.sendLease({ pushId, leaseNo, trust, epoch, startBefore });
      setTimes(workflow, result);
      if (result.kind === 'done') continue;
      if (result.kind === 'refused') workflow.halted ??= result.reason;
    } catch (error) {
      if (!lanes.hasStopped && !isCancellation(error))
        workflow.halted ??= 'a sender failed: see the worker log';
    }
    lanes.hasStopped = true;
  }
}
