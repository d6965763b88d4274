import { CancellationScope, condition, isCancellation, patched, workflowInfo } from '@temporalio/workflow';
import { APP_STOPPED } from '../domain/app-stop.ts';
import { MAX_CONCURRENT_LEASES } from '../domain/lanes.ts';
import { quick, sender } from './activities.ts';
import { hasMore, type LeaseQueue, mayGrow, newQueue, withWaves } from './lease-queue.ts';
import type { Preparation } from './preparation.ts';
import { enter, enterRecorded, note, type PushRun, report, within } from './push-run.ts';

/**
 * Opens the push and gives its leases to senders until all are done ('sent'), or somebody or something stopped
 * them ('stopped': look at the run again), or the history is long enough ('continue'). No sender is left running.
 */
export async function sendLeases(
  run: PushRun,
  startBefore: number,
  preparation: Preparation,
): Promise<'sent' | 'stopped' | 'continue'> {
  const arrived: number[] = [];
  preparation.listen((leases) => arrived.push(...leases));
  try {
    return await openAndSend(run, startBefore, preparation, arrived);
  } finally {
    preparation.listen(undefined);
  }
}

/** `arrived`: leases that are made meanwhile; those that the opening lists are in it, too. */
async function openAndSend(
  run: PushRun,
  startBefore: number,
  preparation: Preparation,
  arrived: readonly number[],
): Promise<'sent' | 'stopped' | 'continue'> {
  const { pushId, edition } = run.input;
  const records = edition === 2 ? { status: 'sending' as const } : {};
  const { resume } = run;
  // Whoever says so meanwhile means the next opening.
  run.resume = false;
  const opened = await within(run, 'open for sending').openPush({ pushId, resume, ...records });
  if (opened.wanted !== null && !(await isTold(run))) {
    if (opened.wanted === 'cancel') run.instruction = { no: run.instruction.no, wanted: 'cancel' };
    else run.halted = 'paused';
  }
  if (opened.isAppStopped) run.halted = APP_STOPPED;
  if (opened.wanted !== null || opened.isAppStopped) return 'stopped';
  const queue = newQueue(run, opened, preparation);
  const listed = new Set(opened.leases);
  const add = (leases: readonly number[]) => queue.waiting.push(...leases.filter((no) => !listed.has(no)));
  add(arrived);
  preparation.listen(add);
  const lanes = { hasStopped: false, hasEnded: false };
  const scope = new CancellationScope();
  const ended = scope
    .run(() =>
      withWaves(run, queue, () =>
        Promise.all(
          Array.from({ length: MAX_CONCURRENT_LEASES }, () =>
            lane(run, { epoch: opened.epoch, startBefore }, queue, lanes),
          ),
        ),
      ),
    )
    .then(() => {
      lanes.hasEnded = true;
    });
  if (run.status !== 'sending') await (edition === 2 ? enterRecorded : enter)(run, 'sending', null);
  await untilStopped(run, lanes);
  if (!lanes.hasEnded) {
    lanes.hasStopped = true;
    const fence = quick('fence').fencePush({ pushId, wanted: null });
    scope.cancel();
    await Promise.all([fence, ended]);
  }
  await ended;
  if (lanes.hasStopped) return 'stopped';
  return queue.waiting.length > 0 || mayGrow(queue) ? 'continue' : 'sent';
}

const TOLD_MS = 5_000;

/**
 * Whoever fenced the push tells its task next, which tells the push: to go ahead of them would have the task paused
 * or cancelled already when it is asked to. Nobody does when that process has died.
 */
async function isTold(run: PushRun): Promise<boolean> {
  if (!patched('await-the-instruction')) return false;
  const hasHeard = () => run.instruction.no > run.obeyed || run.instruction.wanted !== 'run';
  return await condition(hasHeard, TOLD_MS, { summary: 'fenced; what is wanted?' });
}

type Lanes = { hasStopped: boolean; hasEnded: boolean };

async function untilStopped(run: PushRun, lanes: Lanes): Promise<void> {
  const mustStop = () => lanes.hasEnded || lanes.hasStopped || run.instruction.wanted !== 'run';
  for (;;) {
    const windowEndsAt = run.windowEndsAt;
    const moved = () => mustStop() || run.instruction.no > run.obeyed || run.windowEndsAt !== windowEndsAt;
    if (windowEndsAt === null) await condition(moved);
    else await condition(moved, Math.max(1, windowEndsAt - Date.now()), { summary: 'the window ends' });
    if (mustStop() || (windowEndsAt !== null && Date.now() >= windowEndsAt)) return;
    if (run.instruction.no > run.obeyed) {
      run.obeyed = run.instruction.no;
      await report(run);
    }
  }
}

/** One of the leases that are out at a time. Never throws: what a sender could not do stops the push with a reason. */
async function lane(
  run: PushRun,
  opening: { readonly epoch: number; readonly startBefore: number },
  queue: LeaseQueue,
  lanes: Lanes,
): Promise<void> {
  const { pushId } = run.input;
  const { epoch } = opening;
  while (!lanes.hasStopped && !workflowInfo().continueAsNewSuggested) {
    const leaseNo = queue.waiting.shift();
    if (leaseNo === undefined) {
      if (await hasMore(queue, lanes)) continue;
      return;
    }
    try {
      const result = await sender(`lease ${leaseNo}, epoch ${epoch}`).sendLease({
        pushId,
        leaseNo,
        isTrusted: run.isTrusted,
        ...opening,
      });
      note(run, result);
      if (result.kind === 'done') continue;
      if (result.kind === 'refused') run.halted ??= result.reason;
    } catch (error) {
      if (!lanes.hasStopped && !isCancellation(error)) run.halted ??= 'a sender failed; its log says why';
    }
    lanes.hasStopped = true;
  }
}
