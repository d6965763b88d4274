import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { onPushReport, type PushReport } from '../domain/push-events.ts';
import { isUnderWay, type TaskState, wantedOfPushes } from '../domain/task-state.ts';
import { INSTRUCT_SIGNAL, type Instruction } from './push-contract.ts';
import type { Instructed, TaskRun } from './task-run.ts';
import { show } from './task-visibility.ts';

/** The only way a task's state changes: shown to operators, told to the pushes, projected into Postgres. */
export function changeState(run: TaskRun, state: TaskState): void {
  run.state = state;
  run.version++;
  run.changes++;
  show(run);
  for (const push of state.pushes.filter(isUnderWay)) instruct(run, push.id, wantedOfPushes(state));
}

/** Takes in what a push reports. That it paused before it heard the last instruction says nothing any more. */
export function hear(run: TaskRun, report: PushReport): void {
  update(run, report.pushId, { obeyed: report.obeyed });
  const told = run.instructed.find(({ pushId }) => pushId === report.pushId)?.told.no ?? 0;
  if (report.status === 'paused' && report.obeyed < told) return;
  changeState(run, onPushReport(run.state, report));
}

/** Whether every push under way does what the task wants. */
export function isObeyed(run: TaskRun): boolean {
  const wanted = wantedOfPushes(run.state);
  return run.state.pushes.filter(isUnderWay).every((push) => {
    const instructed = run.instructed.find(({ pushId }) => pushId === push.id);
    return instructed?.told.wanted === wanted && instructed.obeyed >= instructed.told.no;
  });
}

/** Tells a push what to do unless it was told so last. One that is just starting is told when it has started. */
function instruct(run: TaskRun, pushId: string, wanted: Instruction['wanted']): void {
  const last = run.instructed.find((each) => each.pushId === pushId);
  if (last === undefined || last.told.wanted === wanted) return;
  const told = { no: last.told.no + 1, wanted };
  update(run, pushId, { told });
  getExternalWorkflowHandle(pushId)
    .signal(INSTRUCT_SIGNAL, told)
    .catch(() => {
      log.warn('a push could not be told: it has ended', { pushId, wanted });
      update(run, pushId, { obeyed: told.no });
    });
}

function update(run: TaskRun, pushId: string, change: Partial<Instructed>): void {
  run.instructed = run.instructed.map((each) => (each.pushId === pushId ? { ...each, ...change } : each));
  run.changes++;
}
