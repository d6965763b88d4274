import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import { nextWake, onTime } from '../domain/push-events.ts';
import { armingOf, askForEndAt } from '../domain/runs.ts';
import { submittedState } from '../domain/submission.ts';
import { initialState } from '../domain/task-state.ts';
import { isAtRest } from '../domain/task-status.ts';
import type { OperationTaskInput } from './contract.ts';
import { lookUps } from './look-ups.ts';
import { startWantedPush } from './start-pushes.ts';
import { changeState, isObeyed } from './task-change.ts';
import { listen } from './task-messages.ts';
import { recordChanges } from './task-record.ts';
import { audit, type CarriedTask, isRecorded, newRun, type TaskRun } from './task-run.ts';
import { arm, askForEnd } from './task-runs.ts';
import { show } from './task-visibility.ts';

/** The life of one submission of a task: approval, waiting, pushes, done. It ends at reject and withdraw, too. */
export async function operationTask(input: OperationTaskInput, carried?: CarriedTask): Promise<void> {
  const run = newRun(input, carried ?? unloaded(input));
  listen(run);
  await CancellationScope.nonCancellable(async () => {
    if (carried === undefined) await begin(run);
    run.isReady = true;
    show(run);
    await story(run);
  });
}

async function story(run: TaskRun): Promise<void> {
  const recorded = recordChanges(run);
  while (!isAtRest(run.state.status) || !isObeyed(run) || armingOf(run.state) !== run.armed) {
    const timed = onTime(run.state, Date.now());
    if (timed !== undefined) changeState(run, timed);
    else if (armingOf(run.state) !== run.armed) await arm(run);
    else if ((askForEndAt(run.state) ?? Number.POSITIVE_INFINITY) <= Date.now()) await askForEnd(run);
    else if (run.state.wantedPushes > 0 && run.state.status === 'sending') await startWantedPush(run);
    else if (workflowInfo().continueAsNewSuggested) await startAnew(run);
    else await untilChanged(run);
  }
  run.isEnding = true;
  await recorded;
  await condition(allHandlersFinished);
}

/** Until the plan is loaded every message waits, and nothing reads this. */
function unloaded({ revision }: OperationTaskInput): CarriedTask {
  const plan = {
    revision,
    pushType: 'single',
    pushAt: null,
    latePolicy: { action: 'send' },
    approvalsRequired: 1,
    channel: 'push',
  } as const;
  return { state: initialState(plan, 1), version: 0, seq: 0, instructed: [], ignored: [] };
}

async function begin(run: TaskRun): Promise<void> {
  const { taskId, revision, submission, by, origin } = run.input;
  const [plan, nextSeq] = await Promise.all([
    lookUps(run, 'load the plan').loadPlan({ taskId, revision, submission }),
    lookUps(run, 'number the next push').nextPush({ taskId }),
  ]);
  if (plan === null)
    throw ApplicationFailure.nonRetryable(
      `${taskId} has no such revision, or its submission ${submission} has ended`,
      'NoSuchRevision',
    );
  run.state = submittedState(plan, nextSeq, run.input.at ?? Date.now());
  const from = origin === undefined ? {} : { origin };
  // The start has named the attributes.
  if (run.input.at !== undefined) run.shownStatus = run.state.status;
  audit(run, { verb: 'submit', via: 'api', person: by, outcome: 'done', ...from });
  changeState(run, run.state);
}

async function untilChanged(run: TaskRun): Promise<void> {
  const { changes } = run;
  const changed = () => run.changes !== changes;
  const wake = nextWake(run.state);
  if (wake === undefined) return await condition(changed);
  const summary = run.state.status === 'pending_approval' ? 'wait for approval' : 'wait for the push time';
  await condition(changed, Math.max(1, wake - Date.now()), { summary });
}

async function startAnew(run: TaskRun): Promise<void> {
  await condition(() => isRecorded(run) && allHandlersFinished());
  const { state, version, seq, instructed, ignored, armed } = run;
  await continueAsNew<typeof operationTask>(run.input, { state, version, seq, instructed, ignored, armed });
}
