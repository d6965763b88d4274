import { neededSchedule, onEndChecked, onMissed, onOccurrence } from '../../domain/tasks/occurrences.ts';
import type { DueOccurrence } from '../../domain/workflows/contract.ts';
import { quick } from '../activities.ts';
import { changeState } from './task-change.ts';
import { audit, type TaskWorkflowState } from './task-workflow-state.ts';

/** An occurrence that changes nothing is ignored; a skipped one is audited. */
export function applyOccurrence(workflow: TaskWorkflowState, due: DueOccurrence): void {
  if (due.revision !== workflow.state.plan.revision) return;
  const verdict = onOccurrence(workflow.state, due, Date.now());
  if (verdict.kind === 'ignored') return;
  if (verdict.kind === 'skipped') auditSkipped(workflow, `${isoTime(due.at)}: ${verdict.reason}`);
  changeState(workflow, verdict.state);
}

/**
 * Creates, pauses or removes the Schedule. Occurrences missed since the last one are made up for or skipped.
 */
export async function ensureSchedule(workflow: TaskWorkflowState): Promise<void> {
  const needed = neededSchedule(workflow.state);
  const { taskId } = workflow.input;
  const { revision } = workflow.state.plan;
  if (needed === 'none') {
    await quick('remove the schedule').removeSchedule({ taskId });
  } else {
    const isPaused = needed.startsWith('paused');
    const after = workflow.state.occurrences?.lastAt ?? Date.now();
    const ensured = quick(`ensure the schedule: ${needed}`);
    const missed = await ensured.ensureSchedule({ taskId, revision, isPaused, after });
    if (!isPaused && neededSchedule(workflow.state) === needed) {
      const { state, skipped } = onMissed(workflow.state, missed, Date.now());
      const between = `${isoTime(after)} and ${isoTime(Date.now())}`;
      if (skipped > 0) auditSkipped(workflow, `${skipped} between ${between}`);
      if (state !== workflow.state) changeState(workflow, state);
    }
  }
  workflow.schedule = needed;
}

/** After the end of the recurrence some occurrences may still be on their way. */
export async function checkForEnd(workflow: TaskWorkflowState): Promise<void> {
  const { taskId } = workflow.input;
  const { mayCome } = await quick('check for remaining occurrences').hasRemainingOccurrences({ taskId });
  changeState(workflow, onEndChecked(workflow.state, mayCome, Date.now()));
}

function auditSkipped(workflow: TaskWorkflowState, detail: string): void {
  audit(workflow, { action: 'skip', via: 'schedule', person: null, outcome: 'done', detail });
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
