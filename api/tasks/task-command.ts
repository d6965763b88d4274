import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { insertOrigin, type Origin } from '../../db/audit/audit.ts';
import { fenceTask } from '../../db/ledger/push-control.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import type { CommandName, CommandPayload } from '../../domain/tasks/commands.ts';
import { COMMAND_REFUSED, type TaskView } from '../../domain/workflows/contract.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { isUnavailable } from '../http/problem-handler.ts';

export type CommandAnswer =
  | { readonly pending: false; readonly view: TaskView }
  /** No worker answered in time. The command was sent as a signal, which the next worker handles. */
  | { readonly pending: true; readonly detail: string };

/** A pause waits for all senders. A frozen sender delays the pause to the end of its lease. */
const SLOW_MS = 10_000;
const QUICK_MS = 5_000;
const SIGNAL_MS = 3_000;
const FENCES = { pause: 'pause', cancel: 'cancel', delete: 'cancel' } as const;

/** Sends a command to the task's workflow. A pause, cancel or delete stops the senders first. */
export async function executeCommand<Name extends CommandName>(
  deps: ApiDeps,
  task: TaskWithDefinition,
  given: {
    readonly name: Name;
    readonly payload: CommandPayload<Name>;
    readonly origin: Origin;
    readonly key?: string | undefined;
  },
): Promise<CommandAnswer> {
  const command = { ...given, payload: { ...given.payload, origin: given.origin.id } };
  const wanted = fenceOf(command.name);
  if (wanted !== undefined) await fenceTask(deps.db, { taskId: task.id, wanted });
  await insertOrigin(deps.db, given.origin);
  const handle = deps.temporal.workflow.getHandle(task.id);
  const options = {
    args: [command.payload] as [CommandPayload<Name>],
    updateId: `${command.name}-${command.key ?? randomUUID()}`,
  };
  try {
    const view = await deps.temporal.withDeadline(
      Date.now() + (wanted === undefined ? QUICK_MS : SLOW_MS),
      () => handle.executeUpdate<TaskView, [CommandPayload<Name>]>(command.name, options),
    );
    return { pending: false, view };
  } catch (error) {
    if (isTimeout(error)) return await leaveSignal(deps, task, command);
    if (wanted !== undefined && error instanceof Error && isUnavailable(error)) return FENCED;
    throw toProblem(error, task, command.name);
  }
}

const FENCED: CommandAnswer = {
  pending: true,
  detail:
    'Sending is stopped. Temporal is unreachable: the status of the task follows when Temporal is back.',
};

async function leaveSignal(
  deps: ApiDeps,
  task: TaskWithDefinition,
  { name, payload }: { name: CommandName; payload: unknown },
): Promise<CommandAnswer> {
  try {
    await deps.temporal.withDeadline(Date.now() + SIGNAL_MS, () =>
      deps.temporal.workflow.getHandle(task.id).signal(name, payload),
    );
  } catch (error) {
    if (fenceOf(name) !== undefined && error instanceof Error && isUnavailable(error)) return FENCED;
    throw toProblem(error, task, name);
  }
  const stopped = fenceOf(name) === undefined ? '' : 'Sending is stopped. ';
  return {
    pending: true,
    detail: `${stopped}No workflow worker answered in time: the next worker carries out ${name}.`,
  };
}

/** A cancel or a delete of the task cancels its pushes. */
function fenceOf(name: CommandName): 'pause' | 'cancel' | undefined {
  return name in FENCES ? FENCES[name as keyof typeof FENCES] : undefined;
}

const DEADLINE_EXCEEDED = 4;

export function isTimeout(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && cause.code === DEADLINE_EXCEEDED;
}

function toProblem(error: unknown, task: TaskWithDefinition, name: CommandName): unknown {
  if (error instanceof WorkflowNotFoundError) {
    const detail = `${name} is not possible: the task is ${task.status} and no workflow runs for it`;
    return new Problem('not_allowed_now', detail, { cause: error });
  }
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const isRefusal = cause instanceof ApplicationFailure && cause.type === COMMAND_REFUSED;
    const detail = isRefusal ? cause.message : `${name} came too late: the task has ended`;
    return new Problem('not_allowed_now', detail, { cause: error });
  }
  return error;
}
