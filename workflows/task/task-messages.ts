import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import { COMMAND_NAMES, type CommandName, parseCommand, personOf } from '../../domain/tasks/commands.ts';
import { refusalOfCommand } from '../../domain/tasks/task-reducer.ts';
import {
  COMMAND_REFUSED,
  OCCURRENCE_SIGNAL,
  REPORT_SIGNAL,
  STATE_QUERY,
  type TaskView,
} from '../../domain/workflows/contract.ts';
import { readOccurrence, readReport } from '../payloads.ts';
import { applyReport } from './task-change.ts';
import { handleCommand } from './task-command.ts';
import { applyOccurrence } from './task-occurrences.ts';
import { ignore, type TaskWorkflowState, viewOf } from './task-workflow-state.ts';

/**
 * Every command is an update, which answers, and a signal, which needs no worker and never reports a refusal.
 */
export function registerHandlers(workflow: TaskWorkflowState): void {
  setHandler(defineQuery<TaskView>(STATE_QUERY), () => viewOf(workflow));
  for (const name of COMMAND_NAMES) registerCommand(workflow, name);
  registerPushMessages(workflow);
  setDefaultSignalHandler((name) => ignore(workflow, name, 'no signal has this name', null));
  adoptNativeCancel(workflow);
}

function registerCommand(workflow: TaskWorkflowState, name: CommandName): void {
  setHandler(
    defineUpdate<TaskView, [unknown]>(name),
    (payload) => unharmed(() => handleUpdate(workflow, name, payload)),
    { validator: (payload) => validate(workflow, name, payload) },
  );
  setHandler(defineSignal<[unknown]>(name), (payload) =>
    unharmed(() => handleSignal(workflow, name, payload)),
  );
}

function registerPushMessages(workflow: TaskWorkflowState): void {
  setHandler(defineSignal<[unknown]>(REPORT_SIGNAL), (payload) => {
    const read = readReport(payload);
    if (read.ok) applyReport(workflow, read.payload);
    else ignore(workflow, REPORT_SIGNAL, 'the payload is not a valid push report', null);
  });
  setHandler(defineSignal<[unknown]>(OCCURRENCE_SIGNAL), async (payload) => {
    await unharmed(() => condition(() => workflow.isReady));
    const read = readOccurrence(payload);
    if (read.ok) applyOccurrence(workflow, read.payload);
    else ignore(workflow, OCCURRENCE_SIGNAL, 'the payload is not a valid occurrence', null);
  });
}

function validate(workflow: TaskWorkflowState, name: CommandName, payload: unknown): void {
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) throw refusal(parsed.reason);
  const reason = workflow.isReady ? refusalOfCommand(workflow.state, parsed.command) : undefined;
  if (reason !== undefined) throw refusal(reason);
}

async function handleUpdate(
  workflow: TaskWorkflowState,
  name: CommandName,
  payload: unknown,
): Promise<TaskView> {
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) throw refusal(parsed.reason);
  await condition(() => workflow.isReady);
  const reason = await handleCommand(workflow, parsed.command, 'api');
  if (reason !== undefined) throw refusal(reason);
  return viewOf(workflow);
}

async function handleSignal(workflow: TaskWorkflowState, name: CommandName, payload: unknown): Promise<void> {
  await condition(() => workflow.isReady);
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) return ignore(workflow, name, parsed.reason, null);
  const reason = await handleCommand(workflow, parsed.command, 'signal');
  if (reason !== undefined) ignore(workflow, name, reason, personOf(parsed.command));
}

/** Pushes are abandoned children, so a native cancel would end the task while its push goes on sending. */
function adoptNativeCancel(workflow: TaskWorkflowState): void {
  CancellationScope.current().cancelRequested.catch(() =>
    unharmed(async () => {
      await condition(() => workflow.isReady);
      const reason = await handleCommand(workflow, { name: 'cancel', by: 'temporal' }, 'signal');
      if (reason !== undefined) ignore(workflow, 'cancel', reason, null);
    }),
  );
}

/** Handlers run in the root scope. A native cancel of that scope would cancel everything that they await. */
function unharmed<T>(handler: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(handler);
}

function refusal(reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason, COMMAND_REFUSED);
}
