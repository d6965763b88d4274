import type { HousePlace } from '../domain/house-place.ts';
import type { PushStatus, TaskStatus } from '../domain/task-status.ts';

/** Workflows and the short activities. */
export const TASK_QUEUE = 'signalbox';
/** Send leases only; any number of worker processes. */
export const SENDER_QUEUE = 'signalbox-send';

/** The workflow ID is the task's ID. Each command of `domain/commands.ts` is an update and a signal of this workflow. */
export const OPERATION_TASK = 'operationTask';
/** One for the whole namespace; its workflow ID is its type. */
export const HOUSEKEEPING = 'housekeeping';
/** Sends a task's content to test devices; its workflow ID is the test's. */
export const TEST_SEND = 'testSend';
/** One for the whole namespace; its workflow ID is its type. */
export const TRIGGERS = 'triggers';
export const STATE_QUERY = 'state';
/** An update without payload, which older histories hold: answers once the workflow has recorded the submission. */
export const RECORDED_UPDATE = 'recorded';

/** The `type` of the ApplicationFailure with which an update is refused; its message is the reason. */
export const COMMAND_REFUSED = 'CommandRefused';

export interface HousekeepingInput {
  readonly everyMs: number;
  /** What is younger may have no workflow yet. */
  readonly graceMs: number;
  /** Where the last round of the run before ended. */
  readonly after?: HousePlace | undefined;
}

export interface OperationTaskInput {
  readonly taskId: string;
  readonly appId: string;
  readonly revision: number;
  readonly submission: number;
  /** Who submitted. */
  readonly by: string;
  /** Names the request in Postgres. */
  readonly origin?: string;
  /** When it was submitted, in epoch milliseconds. Histories without it look things up by activities that have events of their own. */
  readonly at?: number;
  readonly edition?: Edition;
}

/**
 * What a workflow leaves out that histories of before have: in the second, records that would change nothing, reports
 * that nobody waits for, and round trips for what a workflow task can do within itself.
 */
export type Edition = 1 | 2;
export const EDITION: Edition = 2;

export interface RecurringRunInput {
  readonly taskId: string;
  readonly revision: number;
  /** In which the time is read. */
  readonly zone: string;
}

export interface IgnoredMessage {
  readonly at: string;
  readonly name: string;
  readonly reason: string;
}

export interface PushView {
  readonly id: string;
  readonly status: PushStatus;
  readonly reason: string | null;
  /** Requests written and unanswered when the last pause was acknowledged. */
  readonly inFlight: number;
}

/** What the state query and every update answer. */
export interface TaskView {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly revision: number;
  readonly approvals: readonly string[];
  readonly pushes: readonly PushView[];
  readonly ignored: readonly IgnoredMessage[];
}
