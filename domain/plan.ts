import type { ApprovalTimeout } from './approval-limit.ts';
import type { LatePolicy } from './late-policy.ts';
import type { PushType } from './task-status.ts';

/** What a task's workflow knows of a revision; the rest stays in Postgres. */
export interface Plan {
  readonly revision: number;
  readonly pushType: PushType;
  /** Epoch milliseconds; null is as soon as approved, or by hand. */
  readonly pushAt: number | null;
  readonly latePolicy: LatePolicy;
  readonly approvalsRequired: number;
  /** How long approvers have, from when they were asked. */
  readonly approvalLimit?: { readonly ms: number; readonly onTimeout: ApprovalTimeout };
  readonly channel: string;
  /** The members of the audience are those of the moment of approval. */
  readonly audienceAt?: 'approval';
  /** By the zones of its devices: `pushAt` is the moment in the first of them. */
  readonly isLocal?: true;
  /** Of a task whose pushes come due by themselves. */
  readonly recurrence?: { readonly endAt: number | null; readonly count: number | null };
}

/** One line of the task's audit, made by the workflow. */
export interface TaskEvent {
  readonly seq: number;
  readonly at: string;
  readonly verb: string;
  readonly via: string;
  readonly person: string | null;
  readonly revision: number;
  readonly outcome: 'done' | 'ignored';
  readonly detail: string | null;
  readonly remark: string | null;
  /** Of the request it came with. */
  readonly origin?: string;
}
