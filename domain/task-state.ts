import type { Plan } from './plan.ts';
import type { Runs } from './runs.ts';
import type { PushStatus, TaskStatus } from './task-status.ts';

export interface ActivePush {
  readonly id: string;
  readonly seq: number;
  readonly status: PushStatus;
  readonly reason: string | null;
  readonly inFlight: number;
}

/** All that a task's workflow remembers; small enough to be carried into a new run. */
export interface TaskState {
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly plan: Plan;
  readonly approvedRevision: number | null;
  /** Who approved `plan.revision` so far. */
  readonly approvals: readonly string[];
  /** When the time limit of the approval ends, in epoch milliseconds. */
  readonly approvalDueAt?: number;
  /** Where approval leads: an edit of a paused task comes back to paused. */
  readonly onApproval: 'scheduled' | 'paused';
  readonly nextSeq: number;
  /** Pushes asked for and not started yet. */
  readonly wantedPushes: number;
  /** The last requests to send, so that one asked twice counts once. */
  readonly sendRequests: readonly string[];
  /** Pushes that have not ended. */
  readonly pushes: readonly ActivePush[];
  readonly ratePerSecond: number | null;
  readonly archived: boolean;
  /** Of a task whose pushes come due by themselves. */
  readonly runs?: Runs;
}

export function initialState(plan: Plan, nextSeq: number): TaskState {
  return {
    status: 'pending_approval',
    reason: null,
    plan,
    approvedRevision: null,
    approvals: [],
    onApproval: 'scheduled',
    nextSeq,
    wantedPushes: 0,
    sendRequests: [],
    pushes: [],
    ratePerSecond: null,
    archived: false,
  };
}

const UNDER_WAY: readonly PushStatus[] = ['preparing', 'sending', 'paused'];

export function isUnderWay(push: Pick<ActivePush, 'status'>): boolean {
  return UNDER_WAY.includes(push.status);
}

export function isInPush(state: TaskState): boolean {
  return state.wantedPushes > 0 || state.pushes.some(isUnderWay);
}

/** What the task's pushes are told to do now. */
export function wantedOfPushes(state: TaskState): 'run' | 'pause' | 'cancel' {
  if (state.status === 'paused') return 'pause';
  return state.status === 'cancelled' ? 'cancel' : 'run';
}
