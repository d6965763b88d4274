import { condition } from '@temporalio/workflow';
import { shownOf } from '../../domain/tasks/submission.ts';
import { quick } from '../activities.ts';
import { isRecorded, type TaskWorkflowState } from './task-workflow-state.ts';

/** Projects each change into Postgres, one after the other, until the task ends. */
export async function recordChanges(workflow: TaskWorkflowState): Promise<void> {
  for (;;) {
    await condition(() => !isRecorded(workflow) || workflow.isEnding);
    if (isRecorded(workflow)) return;
    await recordNow(workflow);
  }
}

/** A projection that equals the last one is not sent. */
async function recordNow(workflow: TaskWorkflowState): Promise<void> {
  const { version, events, state, input } = workflow;
  const shown = shownOf(state);
  const text = JSON.stringify(shown);
  if (events.length === 0 && text === workflow.shownText) {
    workflow.recordedVersion = version;
    return;
  }
  workflow.events = [];
  await quick(`record status: ${state.status}`).recordStatus({
    taskId: input.taskId,
    appId: input.appId,
    submission: input.submission,
    version,
    ...shown,
    events,
  });
  workflow.recordedVersion = version;
  workflow.shownText = text;
}
