import { CancellationScope, condition, continueAsNew, sleep } from '@temporalio/workflow';
import type { NotSentReason } from '../../domain/pushes/reasons.ts';
import { graceOf, lateAfter } from '../../domain/schedule/late-policy.ts';
import type { PushInput } from '../../domain/workflows/contract.ts';
import { bulk, local, quick } from '../activities.ts';
import { Preparation } from './preparation.ts';
import {
  newPushWorkflowState,
  type PushWorkflowState,
  recordStatus,
  registerHandlers,
  report,
  reportStatus,
  setTimes,
} from './push-workflow-state.ts';
import { sendLeases } from './send-leases.ts';

/** Older rows are prepared again before the first claim, because the audience is that of the push time. */
const STALE_MS = 20 * 60_000;
const NEVER_STALE_MS = 365 * 86_400_000;

/**
 * One execution of a task: prepare, send, collect receipts until the window ends, finalise, delete
 * deliveries.
 */
export async function push(input: PushInput, carried?: PushWorkflowState): Promise<void> {
  const workflow = carried ?? newPushWorkflowState(input);
  registerHandlers(workflow);
  await CancellationScope.nonCancellable(() => runPush(workflow));
}

async function runPush(workflow: PushWorkflowState): Promise<void> {
  const preparation = new Preparation(workflow);
  if (workflow.preparedAt === null && !(await preparation.begin()) && workflow.input.closesAt === undefined) {
    if (workflow.fault === undefined) await finish(workflow, 'completed', 'the audience is empty');
    else await finish(workflow, 'failed', workflow.fault);
    return;
  }
  const unsent = await sendAll(workflow, preparation);
  if (unsent !== null) await abandon(workflow, unsent, preparation);
  workflow.reason ??= preparation.fault;
  const wasCancelled = unsent === 'cancelled';
  if (workflow.startedAt === null && unsent !== null) {
    const status = workflow.fault === undefined ? 'skipped' : 'failed';
    await finish(workflow, wasCancelled ? 'cancelled' : status, workflow.reason);
    return;
  }
  if (await hasSentNothing(workflow)) return await endUnsent(workflow);
  await collect(workflow, wasCancelled ? 'cancelled' : 'collecting');
  await sleep(Math.max(1, (workflow.windowEndsAt ?? 0) - Date.now()), {
    summary: 'collect receipts until the receipt window ends',
  });
  await finish(workflow, wasCancelled ? 'cancelled' : 'completed', workflow.reason);
}

/** A lease whose answer was lost is found in the ledger: the first claim starts the window. */
async function hasSentNothing(workflow: PushWorkflowState): Promise<boolean> {
  if (workflow.startedAt !== null) return false;
  const { pushId } = workflow.input;
  setTimes(workflow, await bulk('look whether anything was sent').settlePush({ pushId, abandon: null }));
  return workflow.startedAt === null;
}

/** No request was made, so no receipt can come. The devices and their reasons can be read until the window ends. */
async function endUnsent(workflow: PushWorkflowState): Promise<void> {
  const fault = await freeze(workflow, workflow.reason ?? 'no device could be sent to');
  await recordStatus(workflow, 'completed', fault);
  await sleep(Math.max(1, (workflow.windowEndsAt ?? 0) - Date.now()), {
    summary: 'keep the deliveries until the receipt window ends',
  });
  await bulk('delete the deliveries').deleteDeliveries({ pushId: workflow.input.pushId });
}

async function collect(workflow: PushWorkflowState, status: 'cancelled' | 'collecting'): Promise<void> {
  const { pushId } = workflow.input;
  const { reason } = workflow;
  const start = local(`start the receipt window: ${status}`);
  setTimes(workflow, await start.startWindow({ pushId, status, reason }));
  await reportStatus(workflow, status, reason);
}

/** Resolves to null when everything is sent, or to the reason why the rest is not. */
async function sendAll(workflow: PushWorkflowState, preparation: Preparation): Promise<NotSentReason | null> {
  for (;;) {
    if (workflow.instruction.wanted === 'cancel') return 'cancelled';
    if (workflow.windowEndsAt !== null && Date.now() >= workflow.windowEndsAt) return 'window_closed';
    if (workflow.instruction.wanted === 'pause' || workflow.halted !== null) {
      await pause(workflow);
      continue;
    }
    if (workflow.startedAt === null && Date.now() > lateAt(workflow)) {
      workflow.reason = 'the push time was missed before the first request';
      return 'skipped';
    }
    if (workflow.startedAt === null && Date.now() >= staleAt(workflow)) await preparation.begin();
    if (workflow.fault !== undefined) {
      workflow.reason = workflow.fault;
      return 'failed';
    }
    workflow.obeyed = workflow.instruction.no;
    const outcome = await sendLeases(workflow, startBefore(workflow), preparation);
    if (outcome === 'sent') return null;
    if (outcome === 'continue') {
      await preparation.ended();
      await continueAsNew<typeof push>(workflow.input, workflow);
    }
  }
}

function staleAt(workflow: PushWorkflowState): number {
  // Users are judged when they join, so that no row grows stale.
  if (workflow.input.closesAt !== undefined) return workflow.input.closesAt + NEVER_STALE_MS;
  return (workflow.preparedAt ?? 0) + STALE_MS;
}

/** A push that waits for a sender beyond this moment is checked again before its first claim. */
function startBefore(workflow: PushWorkflowState): number {
  return Math.min(staleAt(workflow), lateAt(workflow));
}

/**
 * The moment from which the push is late. A device that waits for the clocks of its time zone is not late.
 */
function lateAt({ input, heldTo }: PushWorkflowState): number {
  const late = lateAfter(input, input.dueAt);
  return heldTo === undefined ? late : Math.max(late, heldTo + graceOf(input.latePolicy));
}

/** Acknowledges with exact counts, once no sender can start a request, and waits for the next instruction. */
async function pause(workflow: PushWorkflowState): Promise<void> {
  const { no } = workflow.instruction;
  const { pushId } = workflow.input;
  const fence = quick('fence the push: pause');
  await fence.fencePush({ pushId, wanted: workflow.instruction.wanted === 'pause' ? 'pause' : null });
  const settled = await bulk('settle the stopped leases').settlePush({ pushId, abandon: null });
  workflow.inFlight = settled.inFlight;
  setTimes(workflow, settled);
  workflow.obeyed = no;
  await recordStatus(workflow, 'paused', workflow.halted);
  const hasMoved = () => workflow.instruction.no > no || workflow.instruction.wanted === 'cancel';
  if (
    settled.drainedAt !== null &&
    !(await awaitUntil(hasMoved, settled.drainedAt, 'await late answers while paused'))
  ) {
    // A sender that waited for late answers has written them by now, or has died.
    setTimes(workflow, await bulk('settle unanswered requests').settlePush({ pushId, abandon: null }));
  }
  await awaitUntil(hasMoved, workflow.windowEndsAt, 'await an instruction, or the end of the receipt window');
}

/** Whether the fact came true before `until`, in epoch milliseconds. Null waits without a limit. */
async function awaitUntil(fact: () => boolean, until: number | null, summary: string): Promise<boolean> {
  if (until !== null) return await condition(fact, Math.max(1, until - Date.now()), { summary });
  await condition(fact);
  return true;
}

async function abandon(
  workflow: PushWorkflowState,
  reason: NotSentReason,
  preparation: Preparation,
): Promise<void> {
  const { pushId } = workflow.input;
  await quick('fence the push: cancel').fencePush({ pushId, wanted: 'cancel' });
  for (;;) {
    const mayGrow = preparation.isUnderWay;
    const settled = await bulk(`settle the rest as not sent: ${reason}`).settlePush({
      pushId,
      abandon: reason,
    });
    workflow.inFlight = settled.inFlight;
    setTimes(workflow, settled);
    workflow.obeyed = workflow.instruction.no;
    if (reason === 'cancelled') workflow.status = 'cancelled';
    await report(workflow);
    if (settled.drainedAt === null && !mayGrow) return;
    await preparation.ended();
    if (settled.drainedAt === null) continue;
    await sleep(Math.max(1, settled.drainedAt - Date.now()), { summary: 'await late answers' });
  }
}

async function finish(
  workflow: PushWorkflowState,
  status: 'completed' | 'cancelled' | 'skipped' | 'failed',
  reason: string | null,
): Promise<void> {
  const fault = await freeze(workflow, reason);
  await bulk('delete the deliveries').deleteDeliveries({ pushId: workflow.input.pushId });
  await recordStatus(workflow, status, fault);
}

/** Freezes the statistics. Resolves to the reason, or to the fault of the counters. */
async function freeze(workflow: PushWorkflowState, reason: string | null): Promise<string | null> {
  const { pushId } = workflow.input;
  setTimes(workflow, await quick('ensure that the window has started').startWindow({ pushId }));
  const { differences } = await bulk('finalise the statistics').finaliseStatistics({ pushId });
  return differences.length === 0 ? reason : 'the counters differed from the recount';
}
