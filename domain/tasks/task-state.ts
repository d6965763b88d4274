import type { Plan } from './plan.ts';
import type { PushStatus, TaskStatus } from './task-status.ts';

export interface ActivePush {
  readonly id: string;
  readonly seq: number;
  readonly status: PushStatus;
  readonly reason: string | null;
  readonly inFlight: number;
}

/** The occurrences of a recurring or trigger task: the times at which its pushes are due. */
export interface Occurrences {
  /** Occurrences whose pushes were requested and have not started. */
  readonly due: readonly number[];
  /** How many pushes were requested. */
  readonly taken: number;
  /** The last occurrence that was handled. Messages about this occurrence or an earlier one are ignored. */
  readonly lastAt: number;
  readonly lastLocal: string | null;
  /** No more occurrences will come. */
  readonly isOver: boolean;
  /** When to check again whether more occurrences will come. */
  readonly checkEndAt?: number;
}

/** The whole memory of a task's workflow, small enough to be carried into a new execution. */
export interface TaskState {
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly plan: Plan;
  readonly approvedRevision: number | null;
  /** The people who approved `plan.revision` so far. */
  readonly approvals: readonly string[];
  /** When the time limit of the approval ends, in epoch milliseconds. */
  readonly approvalDueAt?: number;
  /** The status after approval. A paused task that was edited returns to paused. */
  readonly onApproval: 'scheduled' | 'paused';
  readonly nextSeq: number;
  /** Pushes requested and not started yet. */
  readonly wantedPushes: number;
  /** The last requests to send, so that a repeated request counts once. */
  readonly sendRequests: readonly string[];
  /** Pushes that have not ended. */
  readonly pushes: readonly ActivePush[];
  readonly ratePerSecond: number | null;
  readonly archived: boolean;
  /** For recurring and trigger tasks only. */
  readonly occurrences?: Occurrences;
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

/** The instruction that the task's pushes have now. */
export function wantedOfPushes(state: TaskState): 'run' | 'pause' | 'cancel' {
  if (state.status === 'paused') return 'pause';
  return state.status === 'cancelled' ? 'cancel' : 'run';
}
