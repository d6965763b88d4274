import { CancellationScope, condition, continueAsNew, sleep } from '@temporalio/workflow';
import { graceOf, lateAfter } from '../domain/late-policy.ts';
import type { NotSentReason } from '../domain/reasons.ts';
import { bulk, quick } from './activities.ts';
import { Preparation } from './preparation.ts';
import type { PushInput } from './push-contract.ts';
import { enter, enterRecorded, listen, newPushRun, note, type PushRun, report, within } from './push-run.ts';
import { sendLeases } from './send-leases.ts';

/** Prepared rows older than this are made anew before the first claim: the audience is that of the push time. */
const STALE_MS = 20 * 60_000;
const JOINED_MS = 365 * 86_400_000;

/** One execution of a task: prepare, send, collect receipts to the end of the window, finalise, delete the details. */
export async function push(input: PushInput, carried?: PushRun): Promise<void> {
  const run = carried ?? newPushRun(input);
  listen(run);
  await CancellationScope.nonCancellable(() => story(run));
}

async function story(run: PushRun): Promise<void> {
  const preparation = new Preparation(run);
  if (run.preparedAt === null && !(await preparation.begin()) && run.input.closesAt === undefined) {
    if (run.fault === undefined) await finish(run, 'completed', 'the audience is empty');
    else await finish(run, 'failed', run.fault);
    return;
  }
  const unsent = await sendAll(run, preparation);
  if (unsent !== null) await abandon(run, unsent, preparation);
  run.reason ??= preparation.fault;
  const wasCancelled = unsent === 'cancelled';
  if (run.startedAt === null && unsent !== null) {
    const status = run.fault === undefined ? 'skipped' : 'failed';
    await finish(run, wasCancelled ? 'cancelled' : status, run.reason);
    return;
  }
  await collect(run, wasCancelled ? 'cancelled' : 'collecting');
  await sleep(Math.max(1, (run.windowEndsAt ?? 0) - Date.now()), { summary: 'collect receipts' });
  await finish(run, wasCancelled ? 'cancelled' : 'completed', run.reason);
}

async function collect(run: PushRun, status: 'cancelled' | 'collecting'): Promise<void> {
  const { pushId, edition } = run.input;
  const { reason } = run;
  if (edition === 2) {
    note(run, await within(run, `start the window: ${status}`).startWindow({ pushId, status, reason }));
    await enterRecorded(run, status, reason);
  } else {
    note(run, await quick('start the window').startWindow({ pushId }));
    await enter(run, status, reason);
  }
}

/** Sends until nothing is left (null), or says why the rest is not sent. */
async function sendAll(run: PushRun, preparation: Preparation): Promise<NotSentReason | null> {
  for (;;) {
    if (run.instruction.wanted === 'cancel') return 'cancelled';
    if (run.windowEndsAt !== null && Date.now() >= run.windowEndsAt) return 'window_closed';
    if (run.instruction.wanted === 'pause' || run.halted !== null) {
      await pause(run);
      continue;
    }
    if (run.startedAt === null && Date.now() > lateAt(run)) {
      run.reason = 'the push time was missed before the first request';
      return 'skipped';
    }
    if (run.startedAt === null && Date.now() >= staleAt(run)) await preparation.begin();
    if (run.fault !== undefined) {
      run.reason = run.fault;
      return 'failed';
    }
    run.obeyed = run.instruction.no;
    const outcome = await sendLeases(run, startBefore(run), preparation);
    if (outcome === 'sent') return null;
    if (outcome === 'continue') {
      await preparation.ended();
      await continueAsNew<typeof push>(run.input, run);
    }
  }
}

function staleAt(run: PushRun): number {
  // Whoever joins is judged then, and nothing grows stale.
  if (run.input.closesAt !== undefined) return run.input.closesAt + JOINED_MS;
  return (run.preparedAt ?? 0) + STALE_MS;
}

/** A push that waits for a sender longer than this is looked at again before its first claim. */
function startBefore(run: PushRun): number {
  return Math.min(staleAt(run), lateAt(run));
}

/** Whoever waits for the clocks of his zone is not late. */
function lateAt({ input, heldTo }: PushRun): number {
  const late = lateAfter(input, input.dueAt);
  return heldTo === undefined ? late : Math.max(late, heldTo + graceOf(input.latePolicy));
}

/** Acknowledges with exact counts, once no sender can start a request, and waits for the next instruction. */
async function pause(run: PushRun): Promise<void> {
  const { no } = run.instruction;
  const { pushId } = run.input;
  await quick('fence').fencePush({ pushId, wanted: run.instruction.wanted === 'pause' ? 'pause' : null });
  const settled = await bulk('settle after the stop').settlePush({ pushId, abandon: null });
  run.inFlight = settled.inFlight;
  note(run, settled);
  run.obeyed = no;
  await enter(run, 'paused', run.halted);
  const moved = () => run.instruction.no > no || run.instruction.wanted === 'cancel';
  if (
    settled.drainedAt !== null &&
    !(await wait(moved, settled.drainedAt, 'paused; answers may still come'))
  ) {
    // Whoever waited for them has written them by now, or is dead.
    note(run, await bulk('settle what was in flight').settlePush({ pushId, abandon: null }));
  }
  await wait(moved, run.windowEndsAt, 'paused; the window ends');
}

/** Whether it came true before `until`, in epoch milliseconds; null waits for ever. */
async function wait(fact: () => boolean, until: number | null, summary: string): Promise<boolean> {
  if (until !== null) return await condition(fact, Math.max(1, until - Date.now()), { summary });
  await condition(fact);
  return true;
}

async function abandon(run: PushRun, reason: NotSentReason, preparation: Preparation): Promise<void> {
  const { pushId } = run.input;
  await quick('fence').fencePush({ pushId, wanted: 'cancel' });
  for (;;) {
    const mayGrow = preparation.isUnderWay;
    const settled = await bulk(`not sent: ${reason}`).settlePush({ pushId, abandon: reason });
    run.inFlight = settled.inFlight;
    note(run, settled);
    run.obeyed = run.instruction.no;
    if (reason === 'cancelled') run.status = 'cancelled';
    await report(run);
    if (settled.drainedAt === null && !mayGrow) return;
    await preparation.ended();
    if (settled.drainedAt === null) continue;
    await sleep(Math.max(1, settled.drainedAt - Date.now()), { summary: 'answers may still come' });
  }
}

async function finish(
  run: PushRun,
  status: 'completed' | 'cancelled' | 'skipped' | 'failed',
  reason: string | null,
): Promise<void> {
  const { pushId } = run.input;
  note(run, await quick('start the window').startWindow({ pushId }));
  const { differences } = await bulk('finalise statistics').finaliseStatistics({ pushId });
  const fault = differences.length === 0 ? reason : 'the counters differed from the recount';
  await bulk('delete device-level details').deleteDetails({ pushId });
  await enter(run, status, fault);
}
