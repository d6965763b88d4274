import type { LatePolicy } from '../schedule/late-policy.ts';
import type { PushType } from './task-status.ts';

export const APPROVAL_TIMEOUTS = ['expire', 'late_policy'] as const;
/** `expire`: the task ends. `late_policy`: approval stays possible, and the late policy limits how late it may be. */
export type ApprovalTimeout = (typeof APPROVAL_TIMEOUTS)[number];

/** The part of a revision that a task's workflow knows; the rest stays in Postgres. */
export interface Plan {
  readonly revision: number;
  readonly pushType: PushType;
  /** Epoch milliseconds; null when the push starts at approval, by a send, or by its own occurrences. */
  readonly pushAt: number | null;
  readonly latePolicy: LatePolicy;
  readonly approvalsRequired: number;
  /** The time that approvers have, counted from the submission or the edit. */
  readonly approvalLimit?: { readonly ms: number; readonly onTimeout: ApprovalTimeout };
  readonly channel: string;
  /** The members of the audience are fixed when the revision is approved. */
  readonly audienceAt?: 'approval';
  /** Timed by the zones of the devices: `pushAt` is the moment in the first of these zones. */
  readonly isLocal?: true;
  /** Only a recurring or trigger task has one. */
  readonly recurrence?: { readonly endAt: number | null; readonly count: number | null };
}

/** One line of the task's audit, made by the workflow. */
export interface TaskEvent {
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly via: string;
  readonly person: string | null;
  readonly revision: number;
  readonly outcome: 'done' | 'ignored';
  readonly detail: string | null;
  readonly remark: string | null;
  /** Names the request in Postgres with which it came. */
  readonly origin?: string;
}
