import type { TaskState } from './task-state.ts';

/** Starts the time limit of the approval. Each revision has the whole limit. */
export function askForApproval(state: TaskState, now: number): TaskState {
  const { approvalDueAt: _, ...rest } = state;
  const { approvalLimit } = state.plan;
  return approvalLimit === undefined ? rest : { ...rest, approvalDueAt: now + approvalLimit.ms };
}

/** When the task expires unless it is approved; undefined when the limit does not expire it. */
export function approvalEndsAt({ status, plan, approvalDueAt }: TaskState): number | undefined {
  return status === 'pending_approval' && plan.approvalLimit?.onTimeout === 'expire'
    ? approvalDueAt
    : undefined;
}

export function isApprovalOver(state: TaskState, now: number): boolean {
  const end = approvalEndsAt(state);
  return end !== undefined && now >= end;
}
