import {
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { PushTimes } from '../../activities/push-activities.ts';
import { NO_TRUST, type Trust, trustAfterResume } from '../../domain/pushes/reasons.ts';
import type { PushReport } from '../../domain/tasks/push-events.ts';
import type { PushStatus } from '../../domain/tasks/task-status.ts';
import {
  INSTRUCT_SIGNAL,
  type Instruction,
  JOINED_SIGNAL,
  type PushInput,
  REPORT_SIGNAL,
} from '../../domain/workflows/contract.ts';
import { quick } from '../activities.ts';
import { readInstruction } from '../payloads.ts';

/** The memory of one push; carried when its workflow continues as new. */
export interface PushWorkflowState {
  readonly input: PushInput;
  status: PushStatus;
  reason: string | null;
  instruction: Instruction;
  /** The number of the last instruction that was carried out. */
  obeyed: number;
  /** The number of the last instruction that was reported as carried out. */
  reported: number;
  /** Why the push paused by itself, until an instruction to run. */
  halted: string | null;
  /** A person resumed the push after it had paused for rejected tokens or refused messages. */
  trust: Trust;
  /** Whether the next opening may clear a fence: the task was resumed. */
  resume: boolean;
  preparedAt: number | null;
  /** The first moment at which a device may be sent to, when all devices wait for their time zones. */
  heldTo?: number;
  /** Why no recipient can be prepared. */
  fault?: string;
  /** Why a part of the audience was not prepared. */
  partFault?: string;
  inFlight: number;
  startedAt: number | null;
  windowEndsAt: number | null;
  /** How often users joined. */
  joined?: number;
  /** True once no more users may join. */
  hasClosed?: boolean;
  /** The last lease that was given to senders. */
  lastLease?: number;
}

/** The instruction that a push carries out by starting, without a report. */
export function obeyedAtStart({ instruction }: Pick<PushInput, 'instruction'>): number {
  return instruction.wanted === 'run' ? instruction.no : 0;
}

export function newPushWorkflowState(input: PushInput): PushWorkflowState {
  return {
    input,
    status: 'preparing',
    reason: null,
    instruction: input.instruction,
    obeyed: obeyedAtStart(input),
    reported: obeyedAtStart(input),
    halted: null,
    trust: NO_TRUST,
    resume: false,
    preparedAt: null,
    inFlight: 0,
    startedAt: null,
    windowEndsAt: null,
  };
}

/** Handlers only store messages, and `runPush` acts on them. No handler throws, whatever arrives. */
export function registerHandlers(workflow: PushWorkflowState): void {
  setHandler(defineSignal<[unknown]>(INSTRUCT_SIGNAL), (payload) => {
    const read = readInstruction(payload);
    if (!read.ok) return log.warn('an instruction with an invalid payload was ignored', {});
    if (read.payload.no <= workflow.instruction.no) return;
    workflow.instruction = read.payload;
    if (read.payload.wanted === 'run') {
      workflow.trust = trustAfterResume(workflow.trust, workflow.halted);
      workflow.halted = null;
      workflow.resume = true;
    }
  });
  setHandler(defineSignal(JOINED_SIGNAL), () => {
    workflow.joined = (workflow.joined ?? 0) + 1;
  });
  setDefaultSignalHandler((name) => log.warn('a signal with an unknown name was ignored', { name }));
  // A native cancel would leave the push unfenced and unfinalised, so it is turned into a cancel instruction.
  CancellationScope.current().cancelRequested.catch(() => {
    workflow.instruction = { no: workflow.instruction.no, wanted: 'cancel' };
  });
}

export function setTimes(workflow: PushWorkflowState, times: Partial<PushTimes>): void {
  workflow.startedAt = times.startedAt ?? workflow.startedAt;
  workflow.windowEndsAt = times.windowEndsAt ?? workflow.windowEndsAt;
}

/** Records the status in Postgres and reports it to the task. */
export async function recordStatus(
  workflow: PushWorkflowState,
  status: PushStatus,
  reason: string | null,
): Promise<void> {
  setStatus(workflow, status, reason);
  const record = quick(`record status: ${status}`).recordPush({
    pushId: workflow.input.pushId,
    status,
    reason,
  });
  await Promise.all([record, report(workflow)]);
}

/**
 * Reports a status that Postgres has already. The first `sending` is reported only when the task waits for
 * it.
 */
export async function reportStatus(
  workflow: PushWorkflowState,
  status: PushStatus,
  reason: string | null,
): Promise<void> {
  const isFirst = workflow.status === 'preparing' && status === 'sending';
  setStatus(workflow, status, reason);
  if (!isFirst || workflow.obeyed > workflow.reported) await report(workflow);
}

function setStatus(workflow: PushWorkflowState, status: PushStatus, reason: string | null): void {
  workflow.status = status;
  workflow.reason = reason;
  describe(workflow);
}

export async function report(workflow: PushWorkflowState): Promise<void> {
  workflow.reported = workflow.obeyed;
  const message: PushReport = {
    pushId: workflow.input.pushId,
    status: workflow.status,
    reason: workflow.reason,
    inFlight: workflow.inFlight,
    obeyed: workflow.obeyed,
  };
  try {
    await getExternalWorkflowHandle(workflow.input.taskId).signal(REPORT_SIGNAL, message);
  } catch {
    log.info('the report was dropped: the task has ended', { status: workflow.status });
  }
}

function describe(workflow: PushWorkflowState): void {
  const iso = (ms: number | null) => (ms === null ? 'not yet' : new Date(ms).toISOString());
  setCurrentDetails(
    [
      `**${workflow.status}**${workflow.reason === null ? '' : ` (${workflow.reason})`}`,
      `- started: ${iso(workflow.startedAt)}`,
      `- end of the receipt window: ${iso(workflow.windowEndsAt)}`,
      `- requests without an answer at the last stop: ${workflow.inFlight}`,
      `- to pause, resume or cancel, signal the task: \`temporal workflow metadata --workflow-id ${workflow.input.taskId}\` shows the commands`,
    ].join('\n'),
  );
}
