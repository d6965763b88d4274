import { isTooLate } from '../schedule/late-policy.ts';
import type { Missed, Occurrence } from '../schedule/recurrence.ts';
import { isInPush, type Occurrences, type TaskState } from './task-state.ts';

/** How long after the end the signal of the last occurrence may still be on its way. */
const END_MS = 30_000;
/** Clocks are set back by half an hour or more. A shorter gap means that a person triggered the Schedule. */
const SAME_MS = 10 * 60_000;

function newOccurrences(now: number): Occurrences {
  return { due: [], taken: 0, lastAt: now, lastLocal: null, isOver: false };
}

/** The Schedule that a task needs: none, or one of this revision that is active or paused. */
export type ScheduleState = 'none' | `running ${number}` | `paused ${number}`;

export function neededSchedule({ status, plan, approvedRevision, occurrences }: TaskState): ScheduleState {
  if (occurrences === undefined || occurrences.isOver || approvedRevision !== plan.revision) return 'none';
  if (status === 'paused') return `paused ${plan.revision}`;
  return status === 'scheduled' || status === 'sending' ? `running ${plan.revision}` : 'none';
}

export type OccurrenceVerdict =
  | { readonly kind: 'taken' | 'skipped'; readonly state: TaskState; readonly reason?: string }
  | { readonly kind: 'ignored'; readonly reason: string };

/** Takes, skips or ignores an occurrence. A local time that clocks show twice counts once. */
export function onOccurrence(state: TaskState, occurrence: Occurrence, now: number): OccurrenceVerdict {
  const reason = reasonToIgnore(state, occurrence);
  const { occurrences, plan } = state;
  if (reason !== undefined || occurrences === undefined)
    return { kind: 'ignored', reason: reason ?? NOT_DUE };
  const seen = { ...occurrences, lastAt: occurrence.at, lastLocal: occurrence.local };
  if (plan.pushType === 'recurring' && isTooLate(plan, occurrence.at, now)) {
    const tooLate = 'the occurrence is later than the late policy allows';
    return { kind: 'skipped', state: { ...state, occurrences: seen }, reason: tooLate };
  }
  const taken = occurrences.taken + 1;
  const next = {
    ...seen,
    taken,
    due: [...occurrences.due, occurrence.at],
    isOver: taken >= (plan.recurrence?.count ?? Number.POSITIVE_INFINITY),
  };
  const wantedPushes = state.wantedPushes + 1;
  return {
    kind: 'taken',
    state: { ...state, status: 'sending', reason: null, wantedPushes, occurrences: next },
  };
}

const NOT_DUE = 'no more pushes are due';

function reasonToIgnore({ occurrences, status }: TaskState, { at, local }: Occurrence): string | undefined {
  if (occurrences === undefined || occurrences.isOver) return NOT_DUE;
  const isShownAgain = local === occurrences.lastLocal && at - occurrences.lastAt > SAME_MS;
  if (at <= occurrences.lastAt || isShownAgain) return 'this occurrence was already handled';
  return status === 'scheduled' || status === 'sending' ? undefined : `the task is ${status}`;
}

/** Only the last of the occurrences that were missed may still be pushed, as the late policy allows. */
export function onMissed(
  state: TaskState,
  { count, last }: Missed,
  now: number,
): { readonly state: TaskState; readonly skipped: number } {
  if (last === null) return { state, skipped: 0 };
  const verdict = onOccurrence(state, last, now);
  if (verdict.kind === 'ignored') return { state, skipped: 0 };
  return { state: verdict.state, skipped: verdict.kind === 'taken' ? count - 1 : count };
}

/** When to check whether more occurrences can come. Undefined without an end time, or when all is over. */
export function endCheckAt({ status, plan, occurrences }: TaskState): number | undefined {
  if (occurrences === undefined || occurrences.isOver) return undefined;
  if (status !== 'scheduled' && status !== 'sending') return undefined;
  const endAt = plan.recurrence?.endAt ?? null;
  return endAt === null ? undefined : (occurrences.checkEndAt ?? endAt + END_MS);
}

export function onEndChecked(state: TaskState, mayCome: boolean, now: number): TaskState {
  if (state.occurrences === undefined) return state;
  const { checkEndAt: _, ...occurrences } = state.occurrences;
  if (mayCome) return { ...state, occurrences: { ...occurrences, checkEndAt: now + END_MS } };
  return afterOccurrences({ ...state, occurrences: { ...occurrences, isOver: true } });
}

/** Between pushes a task is scheduled. After the last push it collects until the last window has ended. */
export function afterOccurrences(state: TaskState): TaskState {
  const { status, occurrences, pushes } = state;
  if (occurrences === undefined || isInPush(state)) return state;
  if (status !== 'sending' && status !== 'scheduled' && status !== 'collecting') return state;
  if (!occurrences.isOver) {
    return status === 'sending' ? { ...state, status: 'scheduled', reason: null } : state;
  }
  if (pushes.length > 0) return { ...state, status: 'collecting', reason: null };
  const reason = occurrences.taken === 0 ? 'no push came due' : null;
  return { ...state, status: 'completed', reason };
}

/** A new plan starts without occurrences. Occurrences of an earlier plan do not count. */
export function withOccurrences(state: TaskState, now: number): TaskState {
  const { occurrences: _, ...rest } = state;
  const { pushType } = state.plan;
  // The clock hour of a trigger may have begun earlier.
  if (pushType === 'trigger') return { ...rest, occurrences: newOccurrences(0) };
  return pushType === 'recurring' ? { ...rest, occurrences: newOccurrences(now) } : rest;
}
