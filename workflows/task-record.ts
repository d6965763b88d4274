import { condition } from '@temporalio/workflow';
import { shownOf } from '../domain/submission.ts';
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
  const shown = shownOf(state);
  const text = JSON.stringify(shown);
  if (input.edition === 2 && events.length === 0 && text === run.shownText) {
    run.recordedVersion = version;
    return;
  }
  run.events = [];
  await quick(`record: ${state.status}`).recordStatus({
    taskId: input.taskId,
    appId: input.appId,
    submission: input.submission,
    version,
    ...shown,
    events,
  });
  run.recordedVersion = version;
  run.shownText = text;
}
