import type { LatePolicy } from '../schedule/late-policy.ts';
import type { PushType } from './task-status.ts';

export const APPROVAL_TIMEOUTS = ['expire', 'late_policy'] as const;
/** `expire`: the task ends. `late_policy`: approval stays possible for as long as the late policy allows. */
export type ApprovalTimeout = (typeof APPROVAL_TIMEOUTS)[number];

/** The part of a revision that a task's workflow knows; the rest stays in Postgres. */
export interface Plan {
  readonly revision: number;
  readonly pushType: PushType;
  /** Epoch milliseconds. Null when pushes start at approval, by the send command, or by occurrences. */
  readonly pushAt: number | null;
  readonly latePolicy: LatePolicy;
  readonly approvalsRequired: number;
  /** The time that approvers have, counted from the submission or the edit. */
  readonly approvalLimit?: { readonly ms: number; readonly onTimeout: ApprovalTimeout };
  readonly channel: string;
  /** The members of the audience are fixed when the revision is approved. */
  readonly audienceAt?: 'approval';
  /** The push follows the zones of the devices. `pushAt` is the moment in the first of these zones. */
  readonly isLocal?: true;
  /** For recurring and trigger tasks only. */
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
  /** The ID of the request in Postgres. */
  readonly origin?: string;
}
