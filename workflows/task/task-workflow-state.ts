import type { ScheduleState } from '../../domain/tasks/occurrences.ts';
import type { TaskEvent } from '../../domain/tasks/plan.ts';
import type { TaskState } from '../../domain/tasks/task-state.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type {
  IgnoredMessage,
  Instruction,
  OperationTaskInput,
  TaskView,
} from '../../domain/workflows/contract.ts';

/** The last instruction to a push, and the number of the last instruction that the push carried out. */
export interface InstructedPush {
  readonly pushId: string;
  readonly instruction: Instruction;
  readonly obeyed: number;
}

/** The part that is carried when the workflow continues as new. */
export interface CarriedTask {
  readonly state: TaskState;
  readonly version: number;
  readonly seq: number;
  readonly instructed: readonly InstructedPush[];
  readonly ignored: readonly IgnoredMessage[];
  readonly schedule?: ScheduleState;
}

/** The memory of one execution of the workflow. */
export interface TaskWorkflowState {
  readonly input: OperationTaskInput;
  state: TaskState;
  /** Grows with each projection that Postgres is to receive. */
  version: number;
  /** The number of the last audited event. */
  seq: number;
  events: TaskEvent[];
  instructed: readonly InstructedPush[];
  ignored: readonly IgnoredMessage[];
  /** The Schedule as it was last ensured. */
  schedule: ScheduleState;
  /** Grows with each change of the workflow. The main loop sleeps until then. */
  changes: number;
  recordedVersion: number;
  shownStatus: TaskStatus | null;
  /** The last projection to Postgres, without its events. */
  shownText?: string;
  /** True once the plan is loaded. Messages wait for it. */
  isReady: boolean;
  isEnding: boolean;
}

const IGNORED_SHOWN = 20;
const NAME_LENGTH = 50;

export function newTaskWorkflowState(input: OperationTaskInput, carried: CarriedTask): TaskWorkflowState {
  return {
    input,
    schedule: 'none',
    ...carried,
    events: [],
    changes: 0,
    recordedVersion: carried.version,
    shownStatus: null,
    isReady: false,
    isEnding: false,
  };
}

export function audit(
  workflow: TaskWorkflowState,
  event: Pick<TaskEvent, 'action' | 'via' | 'person' | 'outcome'> &
    Partial<Pick<TaskEvent, 'detail' | 'remark' | 'origin'>>,
): void {
  workflow.seq++;
  workflow.version++;
  workflow.events.push({
    detail: null,
    remark: null,
    ...event,
    seq: workflow.seq,
    at: new Date(Date.now()).toISOString(),
    revision: workflow.state.plan.revision,
  });
}

/** A message that changed nothing is audited with the reason, so that its sender can find out. */
export function ignore(
  workflow: TaskWorkflowState,
  name: string,
  reason: string,
  person: string | null,
): void {
  const at = new Date(Date.now()).toISOString();
  const action = name.slice(0, NAME_LENGTH);
  workflow.ignored = [...workflow.ignored, { at, name: action, reason }].slice(-IGNORED_SHOWN);
  audit(workflow, { action, via: 'signal', person, outcome: 'ignored', detail: reason });
}

export function isRecorded(workflow: TaskWorkflowState): boolean {
  return workflow.recordedVersion === workflow.version;
}

export function viewOf({ input, state, ignored }: TaskWorkflowState): TaskView {
  const { status, reason, plan, approvals, pushes } = state;
  return {
    taskId: input.taskId,
    status,
    reason,
    revision: plan.revision,
    approvals,
    pushes: pushes.map((push) => ({
      id: push.id,
      status: push.status,
      reason: push.reason,
      inFlight: push.inFlight,
    })),
    ignored,
  };
}
