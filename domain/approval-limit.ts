import type { TaskState } from './task-state.ts';

export const APPROVAL_TIMEOUTS = ['expire', 'late_policy'] as const;
/** `expire`: the task ends. `late_policy`: approval stays possible, and how late it may be says the late policy. */
export type ApprovalTimeout = (typeof APPROVAL_TIMEOUTS)[number];

/** The clock of the time limit starts: each revision that is to be decided has all of it. */
export function askForApproval(state: TaskState, now: number): TaskState {
  const { approvalDueAt: _, ...rest } = state;
  const { approvalLimit } = state.plan;
  return approvalLimit === undefined ? rest : { ...rest, approvalDueAt: now + approvalLimit.ms };
}

/** When the task expires unless it is approved; undefined when it does not by the limit. */
export function approvalEndsAt({ status, plan, approvalDueAt }: TaskState): number | undefined {
  return status === 'pending_approval' && plan.approvalLimit?.onTimeout === 'expire'
    ? approvalDueAt
    : undefined;
}

export function isApprovalOver(state: TaskState, now: number): boolean {
  const end = approvalEndsAt(state);
  return end !== undefined && now >= end;
}
