import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { findTask, type TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { TASK_ID } from '../../domain/ids.ts';
import type { Action } from '../../domain/tasks/task-status.ts';
import { appIdOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import type { IdParams } from '../http/schemas.ts';
import { refusalOfTask } from './task-view.ts';

export async function taskOf(
  deps: ApiDeps,
  request: FastifyRequest & { params: z.infer<typeof IdParams> },
): Promise<TaskWithDefinition> {
  const taskId = request.params.id;
  const task = TASK_ID.test(taskId)
    ? await findTask(deps.db, { appId: appIdOf(request), taskId })
    : undefined;
  if (task === undefined) throw notFound('task');
  return task;
}

/** Returns the task, or throws when its status does not allow the action. */
export async function taskFor(
  deps: ApiDeps,
  request: FastifyRequest & { params: z.infer<typeof IdParams> },
  action: Action,
): Promise<TaskWithDefinition> {
  const task = await taskOf(deps, request);
  const refusal = refusalOfTask(task, action);
  if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
  return task;
}
