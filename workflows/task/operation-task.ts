import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import { endCheckAt, neededSchedule } from '../../domain/tasks/occurrences.ts';
import { nextWake, onTime } from '../../domain/tasks/push-events.ts';
import { submittedState } from '../../domain/tasks/submission.ts';
import { initialState } from '../../domain/tasks/task-state.ts';
import { isAtRest } from '../../domain/tasks/task-status.ts';
import type { OperationTaskInput } from '../../domain/workflows/contract.ts';
import { local } from '../activities.ts';
import { startWantedPush } from './start-pushes.ts';
import { changeState, isObeyed } from './task-change.ts';
import { registerHandlers } from './task-messages.ts';
import { checkForEnd, ensureSchedule } from './task-occurrences.ts';
import { recordChanges } from './task-record.ts';
import { updateVisibility } from './task-visibility.ts';
import {
  audit,
  type CarriedTask,
  isRecorded,
  newTaskWorkflowState,
  type TaskWorkflowState,
} from './task-workflow-state.ts';

/**
 * The life of one submission of a task, from approval to the end of its pushes. Reject and withdraw end it,
 * too.
 */
export async function operationTask(input: OperationTaskInput, carried?: CarriedTask): Promise<void> {
  const workflow = newTaskWorkflowState(input, carried ?? unloaded(input));
  registerHandlers(workflow);
  await CancellationScope.nonCancellable(async () => {
    if (carried === undefined) await begin(workflow);
    workflow.isReady = true;
    updateVisibility(workflow);
    await runTask(workflow);
  });
}

async function runTask(workflow: TaskWorkflowState): Promise<void> {
  const recorded = recordChanges(workflow);
  const isScheduled = () => neededSchedule(workflow.state) === workflow.schedule;
  while (!isAtRest(workflow.state.status) || !isObeyed(workflow) || !isScheduled()) {
    const { state } = workflow;
    const timed = onTime(state, Date.now());
    if (timed !== undefined) changeState(workflow, timed);
    else if (!isScheduled()) await ensureSchedule(workflow);
    else if ((endCheckAt(state) ?? Number.POSITIVE_INFINITY) <= Date.now()) await checkForEnd(workflow);
    else if (state.wantedPushes > 0 && state.status === 'sending') await startWantedPush(workflow);
    else if (workflowInfo().continueAsNewSuggested) await continueTask(workflow);
    else await untilChanged(workflow);
  }
  workflow.isEnding = true;
  await recorded;
  await condition(allHandlersFinished);
}

/** A placeholder: every message waits until the plan is loaded, so nothing reads this state. */
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

async function begin(workflow: TaskWorkflowState): Promise<void> {
  const { taskId, revision, submission, by, origin, at } = workflow.input;
  const [plan, nextSeq] = await Promise.all([
    local('load the plan').loadPlan({ taskId, revision, submission }),
    local('find the number of the next push').nextPush({ taskId }),
  ]);
  if (plan === null) {
    throw ApplicationFailure.nonRetryable(
      `revision ${revision} of ${taskId} does not exist, or submission ${submission} has ended`,
      'NoSuchRevision',
    );
  }
  workflow.state = submittedState(plan, nextSeq, at);
  // The start of the workflow has set the search attributes already.
  workflow.shownStatus = workflow.state.status;
  const from = origin === undefined ? {} : { origin };
  audit(workflow, { action: 'submit', via: 'api', person: by, outcome: 'done', ...from });
  changeState(workflow, workflow.state);
}

async function untilChanged(workflow: TaskWorkflowState): Promise<void> {
  const { changes } = workflow;
  const hasChanged = () => workflow.changes !== changes;
  const wake = nextWake(workflow.state);
  if (wake === undefined) return await condition(hasChanged);
  const isPending = workflow.state.status === 'pending_approval';
  const summary = isPending ? 'await approval' : 'await the push time';
  await condition(hasChanged, Math.max(1, wake - Date.now()), { summary });
}

async function continueTask(workflow: TaskWorkflowState): Promise<void> {
  await condition(() => isRecorded(workflow) && allHandlersFinished());
  const { state, version, seq, instructed, ignored, schedule } = workflow;
  const carried: CarriedTask = { state, version, seq, instructed, ignored, schedule };
  await continueAsNew<typeof operationTask>(workflow.input, carried);
}
