import { askForApproval } from './approval-limit.ts';
import { withOccurrences } from './occurrences.ts';
import type { Plan, TaskEvent } from './plan.ts';
import { initialState, isInPush, type TaskState } from './task-state.ts';

/** The state of a task that has just been submitted. */
export function submittedState(plan: Plan, nextSeq: number, at: number): TaskState {
  return askForApproval(withOccurrences(initialState(plan, nextSeq), at), at);
}

/** The first line of the submission's audit. */
export function submitEvent(at: number, by: string, revision: number, origin?: string): TaskEvent {
  return {
    seq: 1,
    at: new Date(at).toISOString(),
    action: 'submit',
    via: 'api',
    person: by,
    revision,
    outcome: 'done',
    detail: null,
    remark: null,
    ...(origin === undefined ? {} : { origin }),
  };
}

/** The part of a task's state that is projected into Postgres. */
export function shownOf(state: TaskState) {
  const { status, reason, plan, approvedRevision, archived, approvalDueAt = null } = state;
  const { revision, pushType, pushAt } = plan;
  const inPush = isInPush(state);
  return { status, reason, revision, pushType, approvedRevision, inPush, archived, pushAt, approvalDueAt };
}
