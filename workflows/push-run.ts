import {
  type ActivityInterfaceFor,
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PushTimes } from '../activities/push-activities.ts';
import type { PushReport } from '../domain/push-events.ts';
import { TOO_MANY_REJECTED } from '../domain/reasons.ts';
import type { PushStatus } from '../domain/task-status.ts';
import { local, quick } from './activities.ts';
import { readInstruction } from './payloads.ts';
import {
  INSTRUCT_SIGNAL,
  type Instruction,
  JOINED_SIGNAL,
  obeyedAtStart,
  type PushInput,
  REPORT_SIGNAL,
} from './push-contract.ts';

/** What one push remembers; carried when it continues as new. */
export interface PushRun {
  readonly input: PushInput;
  status: PushStatus;
  reason: string | null;
  instruction: Instruction;
  /** The number of the last instruction that was carried out. */
  obeyed: number;
  /** The same of the last report. */
  told?: number;
  /** Why the push paused by itself, until an instruction to run. */
  halted: string | null;
  /** Somebody resumed it after it had paused for its rejected tokens. */
  isTrusted: boolean;
  /** Whether the next opening may clear a fence: somebody said resume. */
  resume: boolean;
  preparedAt: number | null;
  /** Before then nobody may be sent to: all wait for their zones. */
  heldTo?: number;
  /** Why nobody can be prepared. */
  fault?: string;
  /** Why a part of the audience was not prepared. */
  partFault?: string;
  inFlight: number;
  startedAt: number | null;
  windowEndsAt: number | null;
  /** How often users joined; and whether that is over. */
  joined?: number;
  hasClosed?: boolean;
  /** The last lease that was given to senders. */
  lastLease?: number;
}

export function newPushRun(input: PushInput): PushRun {
  return {
    input,
    status: 'preparing',
    reason: null,
    instruction: input.instruction,
    obeyed: obeyedAtStart(input),
    told: obeyedAtStart(input),
    halted: null,
    isTrusted: false,
    resume: false,
    preparedAt: null,
    inFlight: 0,
    startedAt: null,
    windowEndsAt: null,
  };
}

/** Handlers only remember; the story acts. None of them throws, whatever arrives. */
export function listen(run: PushRun): void {
  setHandler(defineSignal<[unknown]>(INSTRUCT_SIGNAL), (payload) => {
    const read = readInstruction(payload);
    if (!read.ok) return log.warn('an instruction was ignored: it is not one', {});
    if (read.payload.no <= run.instruction.no) return;
    run.instruction = read.payload;
    if (read.payload.wanted === 'run') {
      run.isTrusted ||= run.halted === TOO_MANY_REJECTED;
      run.halted = null;
      run.resume = true;
    }
  });
  setHandler(defineSignal(JOINED_SIGNAL), () => {
    run.joined = (run.joined ?? 0) + 1;
  });
  setDefaultSignalHandler((name) => log.warn('a signal of an unknown name was ignored', { name }));
  // Temporal's own cancel would leave the push unfenced and unfinalised: it is a cancel of ours instead.
  CancellationScope.current().cancelRequested.catch(() => {
    run.instruction = { no: run.instruction.no, wanted: 'cancel' };
  });
}

/** Work of milliseconds that does no harm when it is done again: no round trip through Temporal. */
export function within({ input }: PushRun, summary: string): ActivityInterfaceFor<Activities> {
  return input.edition === 2 ? local(summary) : quick(summary);
}

export function note(run: PushRun, times: Partial<PushTimes>): void {
  run.startedAt = times.startedAt ?? run.startedAt;
  run.windowEndsAt = times.windowEndsAt ?? run.windowEndsAt;
}

/** Writes the status where people look, and tells the task. */
export async function enter(run: PushRun, status: PushStatus, reason: string | null): Promise<void> {
  show(run, status, reason);
  const record = quick(`record: ${status}`).recordPush({ pushId: run.input.pushId, status, reason });
  await Promise.all([record, report(run)]);
}

/** Postgres has it already. The task is told what it waits for. */
export async function enterRecorded(run: PushRun, status: PushStatus, reason: string | null): Promise<void> {
  const isFirst = run.status === 'preparing' && status === 'sending';
  show(run, status, reason);
  if (!isFirst || run.obeyed > (run.told ?? 0)) await report(run);
}

function show(run: PushRun, status: PushStatus, reason: string | null): void {
  run.status = status;
  run.reason = reason;
  describe(run);
}

export async function report(run: PushRun): Promise<void> {
  run.told = run.obeyed;
  const message: PushReport = {
    pushId: run.input.pushId,
    status: run.status,
    reason: run.reason,
    inFlight: run.inFlight,
    obeyed: run.obeyed,
  };
  try {
    await getExternalWorkflowHandle(run.input.taskId).signal(REPORT_SIGNAL, message);
  } catch {
    log.info('the task has ended; nobody is told', { status: run.status });
  }
}

function describe(run: PushRun): void {
  const iso = (ms: number | null) => (ms === null ? 'not yet' : new Date(ms).toISOString());
  setCurrentDetails(
    [
      `**${run.status}**${run.reason === null ? '' : ` (${run.reason})`}`,
      `- started: ${iso(run.startedAt)}`,
      `- receipts count until: ${iso(run.windowEndsAt)}`,
      `- requests without an answer at the last stop: ${run.inFlight}`,
      `- to pause, resume or cancel, signal the task: \`temporal workflow metadata --workflow-id ${run.input.taskId}\` says how`,
    ].join('\n'),
  );
}
