import { armingOf, onAsked, onMissed, onRun } from '../domain/runs.ts';
import { quick } from './activities.ts';
import type { RunDue } from './push-contract.ts';
import { changeState } from './task-change.ts';
import { audit, type TaskRun } from './task-run.ts';

/** A push is due, says the Schedule. What changes nothing is ignored, what is too late is never so silently. */
export function hearRun(run: TaskRun, due: RunDue): void {
  if (due.revision !== run.state.plan.revision) return;
  const verdict = onRun(run.state, due, Date.now());
  if (verdict.kind === 'ignored') return;
  if (verdict.kind === 'skipped') skipped(run, `${nameOf(due.at)}: ${verdict.reason}`);
  changeState(run, verdict.state);
}

/** Makes, rests, or takes away what makes the pushes due; what came due meanwhile is made up for, or skipped. */
export async function arm(run: TaskRun): Promise<void> {
  const wanted = armingOf(run.state);
  const { taskId } = run.input;
  const { revision } = run.state.plan;
  if (wanted === 'none') {
    await quick('no push is due any more').disarmTask({ taskId });
  } else {
    const isPaused = wanted.startsWith('paused');
    const after = run.state.runs?.lastAt ?? Date.now();
    const missed = await quick(`schedule: ${wanted}`).armTask({ taskId, revision, isPaused, after });
    if (!isPaused && armingOf(run.state) === wanted) {
      const { state, skipped: count } = onMissed(run.state, missed, Date.now());
      if (count > 0) skipped(run, `${count} between ${nameOf(after)} and ${nameOf(Date.now())}`);
      if (state !== run.state) changeState(run, state);
    }
  }
  run.armed = wanted;
}

/** After the end: whether all that was due has come. */
export async function askForEnd(run: TaskRun): Promise<void> {
  const { mayCome } = await quick('has the last push come?').mayRun({ taskId: run.input.taskId });
  changeState(run, onAsked(run.state, mayCome, Date.now()));
}

function skipped(run: TaskRun, detail: string): void {
  audit(run, { verb: 'skip', via: 'schedule', person: null, outcome: 'done', detail });
}

function nameOf(at: number): string {
  return new Date(at).toISOString();
}
