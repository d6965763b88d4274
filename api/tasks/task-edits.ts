import { z } from 'zod';
import { insertAuditEntry, type Origin } from '../../db/audit/audit.ts';
import { archiveTask, findTask, lockTask } from '../../db/tasks/tasks.ts';
import { RatePerSecond, TaskDefinitionPatch } from '../../domain/tasks/task-definition.ts';
import { isAtRest } from '../../domain/tasks/task-status.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IdParams } from '../http/schemas.ts';
import { ActionAnswer, sendActionAnswer } from './action-answer.ts';
import { changesOfEdit, EditedTask } from './task-changes-view.ts';
import { warningsOf } from './task-checks.ts';
import { executeCommand } from './task-command.ts';
import {
  checkPrecondition,
  type Edit,
  IfMatch,
  patchedDefinition,
  requirePrecondition,
  revise,
  setDraftRate,
} from './task-edit.ts';
import { relabel, SubCampaignIds, SubgroupId, TaskName } from './task-labels.ts';
import { taskFor, taskOf } from './task-lookup.ts';
import { refusalOfTask, renderTask } from './task-view.ts';

const TaskPatch = TaskDefinitionPatch.extend({
  name: TaskName.optional(),
  subgroupId: SubgroupId.optional(),
  subCampaignIds: SubCampaignIds.optional(),
  /** Only for a draft. The rate of any other task is set by PUT /v1/tasks/{id}/rate. */
  ratePerSecond: RatePerSecond.optional(),
}).meta({ id: 'TaskPatch' });

const tags = ['tasks'] as const;

export async function taskEditRoutes(app: App, deps: ApiDeps): Promise<void> {
  editTaskRoute(app, deps);
  deleteTaskRoute(app, deps);
}

function editTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PATCH',
    path: '/v1/tasks/:id',
    access: 'tasks.change',
    audit: AUDIT_ACTIONS.editTask,
    schema: {
      operationId: 'editTask',
      summary: 'Edit a task',
      example: { name: 'Winter sale' },
      tags,
      params: IdParams,
      headers: IfMatch,
      body: TaskPatch,
      response: { 200: EditedTask, 202: EditedTask },
    },
    problems: [404, 409, 412, 428],
    handler: async (request, reply) => {
      const task = await taskOf(deps, request);
      checkPrecondition(task, request.headers['if-match']);
      const { name, subgroupId, subCampaignIds, ratePerSecond, ...patch } = request.body;
      const now = await deps.clock();
      const { personId } = personOf(request);
      const edit: Edit = { task, personId, now, origin: originOf(request, now) };
      const definition = await patchedDefinition(deps, edit, patch);
      if (definition !== undefined) requirePrecondition(task, request.headers['if-match']);
      const labels = { name, subgroupId, subCampaignIds, ratePerSecond };
      const changes = await changesOfEdit(deps, task, labels, definition);
      await setDraftRate(deps, edit, ratePerSecond);
      await relabel(deps, edit, { name, subgroupId, subCampaignIds });
      const pending = definition === undefined ? undefined : await revise(deps, edit, definition);
      const changed = await findTask(deps.db, { appId: task.appId, taskId: task.id });
      if (changed === undefined) throw notFound('task');
      reply.code(pending === undefined ? 200 : 202).header('etag', `"${changed.revision}"`);
      const warnings = await warningsOf(deps, task.appId, changed.definition);
      return { ...(await renderTask(deps, changed, warnings)), changes };
    },
  });
}

function deleteTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/tasks/:id',
    access: 'tasks.delete',
    audit: AUDIT_ACTIONS.deleteTask,
    schema: {
      operationId: 'deleteTask',
      summary: 'Delete a task',
      tags,
      params: IdParams,
      headers: IfMatch,
      response: { 200: ActionAnswer, 202: ActionAnswer, 204: z.null() },
    },
    problems: [404, 409, 412],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, 'delete');
      checkPrecondition(task, request.headers['if-match']);
      const by = personOf(request).personId;
      const now = await deps.clock();
      const origin = originOf(request, now);
      if (!isAtRest(task.status)) {
        const answer = await executeCommand(deps, task, { name: 'delete', payload: { by }, origin });
        return sendActionAnswer(reply, task, answer);
      }
      await archive(deps, { appId: task.appId, taskId: task.id, personId: by, origin, now });
      return reply.code(204).send(null);
    },
  });
}

/** Archives a task that has no workflow. The status is checked again under the row's lock. */
async function archive(
  deps: ApiDeps,
  args: { appId: string; taskId: string; personId: string; origin: Origin; now: Date },
): Promise<void> {
  const { appId, taskId, now } = args;
  await deps.db.transaction().execute(async (trx) => {
    const task = await lockTask(trx, { appId, taskId });
    if (task === undefined) throw notFound('task');
    const refusal = refusalOfTask(task, 'delete');
    if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
    if (!isAtRest(task.status))
      throw new Problem('conflict', 'The task has been submitted since: read it again');
    await archiveTask(trx, { taskId, now });
    await insertAuditEntry(trx, { ...args, action: 'delete', revision: task.revision });
  });
}
