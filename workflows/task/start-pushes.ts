import { log, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { pushIdOf } from '../../domain/ids.ts';
import type { Plan } from '../../domain/tasks/plan.ts';
import { onPushStarted } from '../../domain/tasks/push-events.ts';
import { wantedOfPushes } from '../../domain/tasks/task-state.ts';
import { closingOf } from '../../domain/tasks/trigger-hour.ts';
import type { PushInput } from '../../domain/workflows/contract.ts';
import { quick } from '../activities.ts';
import { push } from '../push/push.ts';
import { obeyedAtStart } from '../push/push-workflow-state.ts';
import { applyReport, changeState } from './task-change.ts';
import { attributesOfPush } from './task-visibility.ts';
import type { TaskWorkflowState } from './task-workflow-state.ts';

/** Users join the push of their clock hour. The late policy applies to each of them, not to the push. */
function joining({ pushType }: Plan, hour: number): Partial<PushInput> {
  return pushType === 'trigger' ? { closesAt: closingOf(hour), latePolicy: { action: 'send' } } : {};
}

/**
 * Starts one of the requested pushes. A change during the start is sent as an instruction once the push runs.
 */
export async function startWantedPush(workflow: TaskWorkflowState): Promise<void> {
  const { taskId } = workflow.input;
  const { nextSeq: seq, plan } = workflow.state;
  const pushId = pushIdOf(taskId, seq);
  const dueAt = workflow.state.occurrences?.due[0] ?? plan.pushAt ?? Date.now();
  const { revision } = plan;
  await quick(`create push ${seq}`).createPush({ pushId, taskId, seq, revision, dueAt });
  workflow.state = onPushStarted(workflow.state, pushId);
  const input = inputOfPush(workflow, { pushId, seq, plan, dueAt });
  const child = await startChild(push, {
    workflowId: pushId,
    args: [input],
    // The push outlives its task, because statistics are counted to the end of the receipt window.
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `push ${seq} of ${taskId}`,
    typedSearchAttributes: attributesOfPush(workflow),
  });
  const { instruction } = input;
  workflow.instructed = [...workflow.instructed, { pushId, instruction, obeyed: obeyedAtStart(input) }];
  changeState(workflow, workflow.state);
  child.result().catch(() => onTerminated(workflow, pushId));
}

function inputOfPush(
  { input, state }: TaskWorkflowState,
  next: { readonly pushId: string; readonly seq: number; readonly plan: Plan; readonly dueAt: number },
): PushInput {
  const { pushId, seq, plan, dueAt } = next;
  return {
    pushId,
    taskId: input.taskId,
    appId: input.appId,
    seq,
    revision: plan.revision,
    dueAt,
    latePolicy: plan.latePolicy,
    instruction: { no: 1, wanted: wantedOfPushes(state) },
    ...(plan.isLocal ? { isLocal: plan.isLocal } : {}),
    ...joining(plan, dueAt),
  };
}

/** A push reports its own end, unless it was terminated. */
function onTerminated(workflow: TaskWorkflowState, pushId: string): void {
  log.warn('the workflow of a push ended without a report', { pushId });
  applyReport(workflow, {
    pushId,
    status: 'failed',
    reason: 'the workflow was terminated',
    inFlight: 0,
    obeyed: Number.MAX_SAFE_INTEGER,
  });
}
