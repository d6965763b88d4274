import type { TaskStatus } from './task-status.ts';

export const APPROVAL_STATES = ['none', 'pending', 'approved', 'rejected'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** The approval of the newest revision. `none`: not submitted, withdrawn, or ended before a decision. */
export function approvalStateOf(task: {
  readonly status: TaskStatus;
  readonly revision: number;
  readonly approvedRevision: number | null;
}): ApprovalState {
  if (task.status === 'pending_approval') return 'pending';
  if (task.status === 'rejected') return 'rejected';
  return task.status !== 'draft' && task.approvedRevision === task.revision ? 'approved' : 'none';
}
