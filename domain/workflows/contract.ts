import type { SweepCursor } from '../pushes/sweep-cursor.ts';
import type { Occurrence } from '../schedule/recurrence.ts';
import type { Weeks } from '../schedule/weeks.ts';
import type { Plan } from '../tasks/plan.ts';
import type { PushStatus, TaskStatus } from '../tasks/task-status.ts';

/** Workflows and the short activities. */
export const TASK_QUEUE = 'signalbox';
/** Send leases only. Any number of worker processes can poll this queue. */
export const SENDER_QUEUE = 'signalbox-send';

/** The workflow ID is the task's ID. Each command of `commands.ts` is an update and a signal of it. */
export const OPERATION_TASK = 'operationTask';
/** Started by the Schedule of a recurring task, once for each occurrence. */
export const OCCURRENCE = 'occurrence';
/** One workflow for the whole namespace. The workflow ID is the type. */
export const HOUSEKEEPING = 'housekeeping';
/** Sends a task's content to test devices. The workflow ID is the test's ID. */
export const TEST_SEND = 'testSend';
/** One workflow for the whole namespace. The workflow ID is the type. */
export const TRIGGERS = 'triggers';

export const STATE_QUERY = 'state';

/** Task to push: the instruction from now on. */
export const INSTRUCT_SIGNAL = 'instruct';
/** Push to task: the status of the push. */
export const REPORT_SIGNAL = 'pushReport';
/** To a push: more users have joined. */
export const JOINED_SIGNAL = 'joined';
/** To a task: a push is due. */
export const OCCURRENCE_SIGNAL = 'occurrence';

/** The `type` of the ApplicationFailure that refuses an update. The failure's message is the reason. */
export const COMMAND_REFUSED = 'CommandRefused';

export interface OperationTaskInput {
  readonly taskId: string;
  readonly appId: string;
  readonly revision: number;
  readonly submission: number;
  /** The person who submitted. */
  readonly by: string;
  /** The ID of the request in Postgres. */
  readonly origin?: string;
  /** When it was submitted, in epoch milliseconds. */
  readonly at: number;
}

/** Instructions are numbered, so that a report names the acknowledged one. */
export interface Instruction {
  readonly no: number;
  readonly wanted: 'run' | 'pause' | 'cancel';
}

export interface PushInput {
  readonly pushId: string;
  readonly taskId: string;
  readonly appId: string;
  readonly seq: number;
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly latePolicy: Plan['latePolicy'];
  readonly isLocal?: true;
  /** The end of the time in which users may join the push of a trigger task, in epoch milliseconds. */
  readonly closesAt?: number;
  readonly instruction: Instruction;
}

export interface OccurrenceInput {
  readonly taskId: string;
  readonly revision: number;
  /** The time zone in which the local time is read. */
  readonly zone: string;
  /** The weeks that are due, where not every week is. The Schedule starts in each of them. */
  readonly weeks?: Weeks;
}

/** The payload of the occurrence signal. */
export interface DueOccurrence extends Occurrence {
  readonly revision: number;
}

export interface HousekeepingInput {
  readonly everyMs: number;
  /** A younger push or task may have no workflow yet. */
  readonly graceMs: number;
  /** Where the last sweep before this execution ended. */
  readonly after?: SweepCursor | undefined;
}

export interface TriggersInput {
  readonly everyMs: number;
  readonly forMs: number;
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

/** The answer of the state query and of every update. */
export interface TaskView {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly revision: number;
  readonly approvals: readonly string[];
  readonly pushes: readonly PushView[];
  readonly ignored: readonly IgnoredMessage[];
}
