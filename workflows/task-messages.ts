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
import { COMMAND_NAMES, type CommandName, parseCommand, personOf } from '../domain/commands.ts';
import { refusalOfCommand } from '../domain/task-reducer.ts';
import { COMMAND_REFUSED, RECORDED_UPDATE, STATE_QUERY, type TaskView } from './contract.ts';
import { readDue, readReport } from './payloads.ts';
import { REPORT_SIGNAL, RUN_SIGNAL } from './push-contract.ts';
import { hear } from './task-change.ts';
import { takeCommand } from './task-command.ts';
import { ignore, type TaskRun, viewOf } from './task-run.ts';
import { hearRun } from './task-runs.ts';

/** Every verb is an update, which answers yes or no, and a signal, which needs no worker and is never refused aloud. */
export function listen(run: TaskRun): void {
  setHandler(defineQuery<TaskView>(STATE_QUERY), () => viewOf(run));
  setHandler(defineUpdate<TaskView>(RECORDED_UPDATE), async () => {
    await unharmed(() => condition(() => run.isReady && run.recordedVersion > 0));
    return viewOf(run);
  });
  for (const name of COMMAND_NAMES) {
    setHandler(
      defineUpdate<TaskView, [unknown]>(name),
      (payload) => unharmed(() => execute(run, name, payload)),
      {
        validator: (payload) => validate(run, name, payload),
      },
    );
    setHandler(defineSignal<[unknown]>(name), (payload) => unharmed(() => obey(run, name, payload)));
  }
  setHandler(defineSignal<[unknown]>(REPORT_SIGNAL), (payload) => {
    const read = readReport(payload);
    if (read.ok) hear(run, read.payload);
    else ignore(run, REPORT_SIGNAL, 'it is not the report of a push', null);
  });
  setHandler(defineSignal<[unknown]>(RUN_SIGNAL), async (payload) => {
    await unharmed(() => condition(() => run.isReady));
    const read = readDue(payload);
    if (read.ok) hearRun(run, read.payload);
    else ignore(run, RUN_SIGNAL, 'it does not say which push is due', null);
  });
  setDefaultSignalHandler((name) => ignore(run, name, 'there is no signal of this name', null));
  adoptNativeCancel(run);
}

function validate(run: TaskRun, name: CommandName, payload: unknown): void {
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) throw refusal(parsed.reason);
  const reason = run.isReady ? refusalOfCommand(run.state, parsed.command) : undefined;
  if (reason !== undefined) throw refusal(reason);
}

async function execute(run: TaskRun, name: CommandName, payload: unknown): Promise<TaskView> {
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) throw refusal(parsed.reason);
  await condition(() => run.isReady);
  const reason = await takeCommand(run, parsed.command, 'api');
  if (reason !== undefined) throw refusal(reason);
  return viewOf(run);
}

async function obey(run: TaskRun, name: CommandName, payload: unknown): Promise<void> {
  await condition(() => run.isReady);
  const parsed = parseCommand(name, payload);
  if (!parsed.ok) return ignore(run, name, parsed.reason, null);
  const reason = await takeCommand(run, parsed.command, 'signal');
  if (reason !== undefined) ignore(run, name, reason, personOf(parsed.command));
}

/** With an abandoned child, Temporal's own cancel would end the task while its push sends on. */
function adoptNativeCancel(run: TaskRun): void {
  CancellationScope.current().cancelRequested.catch(() =>
    unharmed(async () => {
      await condition(() => run.isReady);
      const reason = await takeCommand(run, { name: 'cancel', by: 'temporal' }, 'signal');
      if (reason !== undefined) ignore(run, 'cancel', reason, null);
    }),
  );
}

/** Handlers run in the root scope: once that was cancelled natively, everything they await would be, too. */
function unharmed<T>(handler: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(handler);
}

function refusal(reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason, COMMAND_REFUSED);
}
