import { z } from 'zod';
import { insertAct } from '../../db/task-history.ts';
import { archiveTask, findTask, lockTask } from '../../db/tasks.ts';
import { RatePerSecond, TaskDefinitionPatch } from '../../domain/task-definition.ts';
import { isAtRest } from '../../domain/task-status.ts';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { PERSON } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { warningsOf } from '../task-checks.ts';
import { executeCommand } from '../task-command.ts';
import { Subgroup, TaskName } from '../task-draft.ts';
import {
  checkPrecondition,
  type Edit,
  patchedDefinition,
  relabel,
  revise,
  setDraftRate,
} from '../task-edit.ts';
import { IdParams, taskFor, taskOf } from '../task-lookup.ts';
import { refusalOfTask, renderTask, TaskBody } from '../task-view.ts';
import { sendVerbAnswer, VerbAnswer } from '../verb-answer.ts';

const TaskPatch = TaskDefinitionPatch.extend({
  name: TaskName.optional(),
  subgroup: Subgroup.optional(),
  /** Of a draft; else PUT /v1/tasks/{id}/rate. */
  ratePerSecond: RatePerSecond.optional(),
}).meta({ id: 'TaskPatch' });

const tags = ['tasks'];

export async function taskEditRoutes(app: App, deps: ApiDeps): Promise<void> {
  app.patch(
    '/v1/tasks/:id',
    {
      onRequest: app.guard.may('tasks.change'),
      schema: {
        operationId: 'editTask',
        tags,
        ...PERSON,
        params: IdParams,
        headers: z.looseObject({ 'if-match': z.string().max(500).optional() }),
        body: TaskPatch,
        response: { 200: TaskBody, 202: TaskBody, ...problemResponses(404, 409, 412) },
      },
    },
    async (request, reply) => {
      const task = await taskOf(deps, request);
      checkPrecondition(task, request.headers['if-match']);
      const { name, subgroup, ratePerSecond, ...patch } = request.body;
      const edit: Edit = { task, personId: personOf(request).personId, now: await deps.clock() };
      const definition = await patchedDefinition(deps, edit, patch);
      await setDraftRate(deps, edit, ratePerSecond);
      await relabel(deps, edit, { name, subgroup });
      const pending = definition === undefined ? undefined : await revise(deps, edit, definition);
      const changed = await findTask(deps.db, { appId: task.appId, taskId: task.id });
      if (changed === undefined) throw notFound('task');
      reply.code(pending === undefined ? 200 : 202).header('etag', `"${changed.revision}"`);
      return renderTask(deps, changed, await warningsOf(deps, task.appId, changed.definition));
    },
  );

  app.delete(
    '/v1/tasks/:id',
    {
      onRequest: app.guard.may('tasks.delete'),
      schema: {
        operationId: 'deleteTask',
        tags,
        ...PERSON,
        params: IdParams,
        response: { 200: VerbAnswer, 202: VerbAnswer, 204: z.null(), ...problemResponses(404, 409) },
      },
    },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'delete');
      const by = personOf(request).personId;
      if (!isAtRest(task.status)) {
        const answer = await executeCommand(deps, task, { name: 'delete', payload: { by } });
        return sendVerbAnswer(reply, task, answer);
      }
      await archive(deps, { appId: task.appId, taskId: task.id, personId: by });
      return reply.code(204).send(null);
    },
  );
}

/** Of a task that no workflow runs for, which is checked again under the row's lock. */
async function archive(
  deps: ApiDeps,
  { appId, taskId, personId }: { appId: string; taskId: string; personId: string },
): Promise<void> {
  const now = await deps.clock();
  await deps.db.transaction().execute(async (trx) => {
    const task = await lockTask(trx, { appId, taskId });
    if (task === undefined) throw notFound('task');
    const refusal = refusalOfTask(task, 'delete');
    if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
    if (!isAtRest(task.status)) throw new Problem('conflict', 'The task was submitted meanwhile');
    await archiveTask(trx, { taskId, now });
    await insertAct(trx, { appId, taskId, personId, verb: 'delete', revision: task.revision, now });
  });
}
