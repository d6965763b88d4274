import { isTooLate, lateAfter } from '../schedule/late-policy.ts';
import { approvalEndsAt, isApprovalOver } from './approval-limit.ts';
import { afterOccurrences, endCheckAt } from './occurrences.ts';
import { type ActivePush, isUnderWay, type TaskState } from './task-state.ts';
import type { PushStatus } from './task-status.ts';

/** The message of a push to its task. */
export interface PushReport {
  readonly pushId: string;
  readonly status: PushStatus;
  readonly reason: string | null;
  readonly inFlight: number;
  /** The number of the last instruction that the push carried out. */
  readonly obeyed: number;
}

/** The task when time changes it: an approval or a push time was missed, or a push is due. Else undefined. */
export function onTime(state: TaskState, now: number): TaskState | undefined {
  const { plan } = state;
  if (state.status !== 'pending_approval' && state.status !== 'scheduled') return undefined;
  if (isTooLate(plan, plan.pushAt, now)) {
    const reason =
      state.status === 'scheduled' ? 'the push time was missed' : 'no approval came before the push time';
    return { ...state, status: 'expired', reason };
  }
  if (isApprovalOver(state, now)) {
    return { ...state, status: 'expired', reason: 'no approval came within the time limit' };
  }
  const isDue = state.status === 'scheduled' && plan.pushType === 'single' && now >= (plan.pushAt ?? now);
  return isDue ? { ...state, status: 'sending', reason: null, wantedPushes: 1 } : undefined;
}

/** When to call `onTime` next, in epoch milliseconds. Undefined when time changes nothing. */
export function nextWake(state: TaskState): number | undefined {
  const wakes = [approvalEndsAt(state), nextPushWake(state)].filter((at) => at !== undefined);
  return wakes.length === 0 ? undefined : Math.min(...wakes);
}

function nextPushWake(state: TaskState): number | undefined {
  const { status, plan } = state;
  if (state.occurrences !== undefined) return endCheckAt(state);
  if (plan.pushAt === null) return undefined;
  if (status === 'scheduled') return plan.pushAt;
  if (status !== 'pending_approval' || plan.latePolicy.action === 'send') return undefined;
  return lateAfter(plan, plan.pushAt) + 1;
}

export function onPushStarted(state: TaskState, id: string): TaskState {
  const { occurrences } = state;
  const push: ActivePush = { id, seq: state.nextSeq, status: 'preparing', reason: null, inFlight: 0 };
  return {
    ...state,
    nextSeq: state.nextSeq + 1,
    wantedPushes: Math.max(0, state.wantedPushes - 1),
    pushes: [...state.pushes, push],
    ...(occurrences === undefined ? {} : { occurrences: { ...occurrences, due: occurrences.due.slice(1) } }),
  };
}

const ENDED: readonly PushStatus[] = ['completed', 'cancelled', 'skipped', 'failed'];

/** The status of a task follows from all its pushes. */
export function onPushReport(state: TaskState, report: PushReport): TaskState {
  if (!state.pushes.some((push) => push.id === report.pushId)) return state;
  const { status, reason, inFlight } = report;
  const pushes = state.pushes
    .map((push) => (push.id === report.pushId ? { ...push, status, reason, inFlight } : push))
    .filter((push) => !ENDED.includes(push.status));
  const next = { ...state, pushes };
  if (state.status !== 'sending' && state.status !== 'paused' && state.status !== 'collecting') return next;
  if (status === 'paused') return state.status === 'sending' ? { ...next, status: 'paused', reason } : next;
  if (next.wantedPushes > 0 || pushes.some(isUnderWay)) return next;
  if (state.occurrences !== undefined) return afterOccurrences(next);
  return state.plan.pushType === 'single' ? singleAfter(next, report) : manualAfter(next);
}

const TASK_AFTER = {
  collecting: 'collecting',
  completed: 'completed',
  cancelled: 'cancelled',
  skipped: 'expired',
  failed: 'failed',
} as const;

function singleAfter(state: TaskState, { status, reason }: PushReport): TaskState {
  return status in TASK_AFTER
    ? { ...state, status: TASK_AFTER[status as keyof typeof TASK_AFTER], reason }
    : state;
}

function manualAfter(state: TaskState): TaskState {
  return state.status === 'sending' ? { ...state, status: 'scheduled', reason: null } : state;
}
