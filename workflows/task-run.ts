import type { TaskEvent } from '../domain/plan.ts';
import type { Arming } from '../domain/runs.ts';
import type { TaskState } from '../domain/task-state.ts';
import type { TaskStatus } from '../domain/task-status.ts';
import type { IgnoredMessage, OperationTaskInput, TaskView } from './contract.ts';
import type { Instruction } from './push-contract.ts';

/** What a push was told last, and the number of the last instruction that it says it obeyed. */
export interface Instructed {
  readonly pushId: string;
  readonly told: Instruction;
  readonly obeyed: number;
}

export interface CarriedTask {
  readonly state: TaskState;
  readonly version: number;
  readonly seq: number;
  readonly instructed: readonly Instructed[];
  readonly ignored: readonly IgnoredMessage[];
  readonly armed?: Arming;
}

/** What one run of the workflow remembers. */
export interface TaskRun {
  readonly input: OperationTaskInput;
  state: TaskState;
  /** Grows with each projection that Postgres is to get. */
  version: number;
  /** The last audited event. */
  seq: number;
  events: TaskEvent[];
  instructed: readonly Instructed[];
  ignored: readonly IgnoredMessage[];
  /** What was last arranged for the task's pushes to become due. */
  armed: Arming;
  /** Any change at all; the story sleeps until it grows. */
  changes: number;
  recordedVersion: number;
  shownStatus: TaskStatus | null;
  /** What Postgres was last told, but for the events. */
  shownText?: string;
  /** The plan is loaded; messages wait for it. */
  isReady: boolean;
  isEnding: boolean;
}

const IGNORED_SHOWN = 20;

export function newRun(input: OperationTaskInput, carried: CarriedTask): TaskRun {
  return {
    input,
    armed: 'none',
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
  run: TaskRun,
  event: Pick<TaskEvent, 'verb' | 'via' | 'person' | 'outcome'> &
    Partial<Pick<TaskEvent, 'detail' | 'remark' | 'origin'>>,
): void {
  const at = new Date(Date.now()).toISOString();
  run.seq++;
  run.version++;
  run.events.push({
    detail: null,
    remark: null,
    ...event,
    seq: run.seq,
    at,
    revision: run.state.plan.revision,
  });
}

/** A message that changed nothing leaves its reason where people look. */
export function ignore(run: TaskRun, name: string, reason: string, person: string | null): void {
  const at = new Date(Date.now()).toISOString();
  const verb = name.slice(0, 50);
  run.ignored = [...run.ignored, { at, name: verb, reason }].slice(-IGNORED_SHOWN);
  audit(run, { verb, via: 'signal', person, outcome: 'ignored', detail: reason });
}

export function isRecorded(run: TaskRun): boolean {
  return run.recordedVersion === run.version;
}

export function viewOf(run: TaskRun): TaskView {
  const { status, reason, plan, approvals, pushes } = run.state;
  return {
    taskId: run.input.taskId,
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
    ignored: run.ignored,
  };
}
