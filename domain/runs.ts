import { isTooLate } from './late-policy.ts';
import type { Missed, Run } from './recurrence.ts';
import { isInPush, type TaskState } from './task-state.ts';

/** What a task remembers of the times at which its pushes are due. */
export interface Runs {
  /** Asked for and not started. */
  readonly due: readonly number[];
  /** All pushes that were asked for. */
  readonly taken: number;
  /** The last time that was dealt with: what comes for it, or for an earlier one, is ignored. */
  readonly lastAt: number;
  readonly lastLocal: string | null;
  /** No more will come. */
  readonly isOver: boolean;
  /** When to ask again whether more will come. */
  readonly askAt?: number;
}

/** After the end, what was due at the very end may still be on its way. */
const END_MS = 30_000;
/** Clocks are put back by half an hour or more; within this time somebody has triggered the Schedule by hand. */
const SAME_MS = 10 * 60_000;

function newRuns(now: number): Runs {
  return { due: [], taken: 0, lastAt: now, lastLocal: null, isOver: false };
}

/** What has to exist for the task's pushes to become due: nothing, or a schedule of this revision that runs or rests. */
export type Arming = 'none' | `running ${number}` | `paused ${number}`;

export function armingOf({ status, plan, approvedRevision, runs }: TaskState): Arming {
  if (runs === undefined || runs.isOver || approvedRevision !== plan.revision) return 'none';
  if (status === 'paused') return `paused ${plan.revision}`;
  return status === 'scheduled' || status === 'sending' ? `running ${plan.revision}` : 'none';
}

export type RunVerdict =
  | { readonly kind: 'taken' | 'skipped'; readonly state: TaskState; readonly reason?: string }
  | { readonly kind: 'ignored'; readonly reason: string };

/** A push is due. A time that clocks show twice counts once; one that is too late is skipped, and said so. */
export function onRun(state: TaskState, run: Run, now: number): RunVerdict {
  const { runs, plan, status } = state;
  if (runs === undefined || runs.isOver) return { kind: 'ignored', reason: 'no push is due any more' };
  const isShownAgain = run.local === runs.lastLocal && run.at - runs.lastAt > SAME_MS;
  if (run.at <= runs.lastAt || isShownAgain) {
    return { kind: 'ignored', reason: 'this time has been dealt with' };
  }
  if (status !== 'scheduled' && status !== 'sending') {
    return { kind: 'ignored', reason: `the task is ${status}` };
  }
  const seen = { ...runs, lastAt: run.at, lastLocal: run.local };
  if (plan.pushType === 'recurring' && isTooLate(plan, run.at, now)) {
    const reason = 'the time has passed by more than the late policy allows';
    return { kind: 'skipped', state: { ...state, runs: seen }, reason };
  }
  const taken = runs.taken + 1;
  const next = {
    ...seen,
    taken,
    due: [...runs.due, run.at],
    isOver: taken >= (plan.recurrence?.count ?? Number.POSITIVE_INFINITY),
  };
  return {
    kind: 'taken',
    state: { ...state, status: 'sending', reason: null, wantedPushes: state.wantedPushes + 1, runs: next },
  };
}

/** What came due while nothing could be pushed: only the last of it may still be, as the late policy says. */
export function onMissed(
  state: TaskState,
  { count, last }: Missed,
  now: number,
): { readonly state: TaskState; readonly skipped: number } {
  if (last === null) return { state, skipped: 0 };
  const verdict = onRun(state, last, now);
  if (verdict.kind === 'ignored') return { state, skipped: 0 };
  return { state: verdict.state, skipped: verdict.kind === 'taken' ? count - 1 : count };
}

/** When it is time to ask whether more will come; undefined when it always may. */
export function askForEndAt({ status, plan, runs }: TaskState): number | undefined {
  if (runs === undefined || runs.isOver || (status !== 'scheduled' && status !== 'sending')) return undefined;
  const endAt = plan.recurrence?.endAt ?? null;
  return endAt === null ? undefined : (runs.askAt ?? endAt + END_MS);
}

export function onAsked(state: TaskState, mayCome: boolean, now: number): TaskState {
  if (state.runs === undefined) return state;
  const { askAt: _, ...runs } = state.runs;
  if (mayCome) return { ...state, runs: { ...runs, askAt: now + END_MS } };
  return afterRuns({ ...state, runs: { ...runs, isOver: true } });
}

/** Between its pushes the task waits for the next; after the last it collects, until the last window has ended. */
export function afterRuns(state: TaskState): TaskState {
  const { status, runs, pushes } = state;
  if (runs === undefined || isInPush(state)) return state;
  if (status !== 'sending' && status !== 'scheduled' && status !== 'collecting') return state;
  if (!runs.isOver) return status === 'sending' ? { ...state, status: 'scheduled', reason: null } : state;
  if (pushes.length > 0) return { ...state, status: 'collecting', reason: null };
  const reason = runs.taken === 0 ? 'no push came due' : null;
  return { ...state, status: 'completed', reason };
}

/** A new plan begins anew: what came due under another one is not its business. */
export function withRuns(state: TaskState, now: number): TaskState {
  const { runs: _, ...rest } = state;
  const { pushType } = state.plan;
  // The clock hour of a trigger may have begun before.
  if (pushType === 'trigger') return { ...rest, runs: newRuns(0) };
  return pushType === 'recurring' ? { ...rest, runs: newRuns(now) } : rest;
}
