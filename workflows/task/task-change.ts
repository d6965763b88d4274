import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { onPushReport, type PushReport } from '../../domain/tasks/push-events.ts';
import { isUnderWay, type TaskState, wantedOfPushes } from '../../domain/tasks/task-state.ts';
import { INSTRUCT_SIGNAL, type Instruction } from '../../domain/workflows/contract.ts';
import { updateVisibility } from './task-visibility.ts';
import type { InstructedPush, TaskWorkflowState } from './task-workflow-state.ts';

/** Makes each change of a task's state, shows it to operators, sends it to the pushes and records it. */
export function changeState(workflow: TaskWorkflowState, state: TaskState): void {
  workflow.state = state;
  workflow.version++;
  workflow.changes++;
  updateVisibility(workflow);
  for (const push of state.pushes.filter(isUnderWay)) instruct(workflow, push.id, wantedOfPushes(state));
}

/** A report of a pause that was made before the push received its last instruction is out of date. */
export function applyReport(workflow: TaskWorkflowState, report: PushReport): void {
  updateInstructed(workflow, report.pushId, { obeyed: report.obeyed });
  const instructed = workflow.instructed.find(({ pushId }) => pushId === report.pushId);
  if (report.status === 'paused' && report.obeyed < (instructed?.instruction.no ?? 0)) return;
  changeState(workflow, onPushReport(workflow.state, report));
}

/** True when every push under way carries out what the task wants. */
export function isObeyed(workflow: TaskWorkflowState): boolean {
  const wanted = wantedOfPushes(workflow.state);
  return workflow.state.pushes.filter(isUnderWay).every((push) => {
    const instructed = workflow.instructed.find(({ pushId }) => pushId === push.id);
    return instructed?.instruction.wanted === wanted && instructed.obeyed >= instructed.instruction.no;
  });
}

/**
 * An instruction that equals the last one is not sent. A push that is just starting is instructed once it has
 * started.
 */
function instruct(workflow: TaskWorkflowState, pushId: string, wanted: Instruction['wanted']): void {
  const last = workflow.instructed.find((each) => each.pushId === pushId);
  if (last === undefined || last.instruction.wanted === wanted) return;
  const instruction = { no: last.instruction.no + 1, wanted };
  updateInstructed(workflow, pushId, { instruction });
  getExternalWorkflowHandle(pushId)
    .signal(INSTRUCT_SIGNAL, instruction)
    .catch(() => {
      log.warn('a push could not be instructed: it has ended', { pushId, wanted });
      updateInstructed(workflow, pushId, { obeyed: instruction.no });
    });
}

function updateInstructed(
  workflow: TaskWorkflowState,
  pushId: string,
  change: Partial<InstructedPush>,
): void {
  workflow.instructed = workflow.instructed.map((each) =>
    each.pushId === pushId ? { ...each, ...change } : each,
  );
  workflow.changes++;
}
