import { condition } from '@temporalio/workflow';
import { isInPush } from '../domain/task-state.ts';
import { quick } from './activities.ts';
import { isRecorded, type TaskRun } from './task-run.ts';

/** Projects each change into Postgres, one after the other, until the task ends. */
export async function recordChanges(run: TaskRun): Promise<void> {
  for (;;) {
    await condition(() => !isRecorded(run) || run.isEnding);
    if (isRecorded(run)) return;
    await recordNow(run);
  }
}

async function recordNow(run: TaskRun): Promise<void> {
  const { version, events, state, input } = run;
  run.events = [];
  await quick(`record: ${state.status}`).recordStatus({
    taskId: input.taskId,
    appId: input.appId,
    submission: input.submission,
    version,
    status: state.status,
    reason: state.reason,
    revision: state.plan.revision,
    pushType: state.plan.pushType,
    approvedRevision: state.approvedRevision,
    inPush: isInPush(state),
    archived: state.archived,
    pushAt: state.plan.pushAt,
    approvalDueAt: state.approvalDueAt ?? null,
    events,
  });
  run.recordedVersion = version;
}
