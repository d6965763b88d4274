import { createHash, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { subCampaignsOf } from '../../db/sub-campaigns.ts';
import { findTask } from '../../db/tasks.ts';
import type { CommandPayload } from '../../domain/commands.ts';
import { RatePerSecond } from '../../domain/task-definition.ts';
import { ActionAnswer, sendActionAnswer } from '../action-answer.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { originOf } from '../origin.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IdParams } from '../schemas.ts';
import { warningsOf } from '../task-checks.ts';
import { executeCommand } from '../task-command.ts';
import { createDraft } from '../task-draft.ts';
import { checkPrecondition, IfMatch } from '../task-edit.ts';
import { TaskName } from '../task-labels.ts';
import { taskFor } from '../task-lookup.ts';
import { startTask } from '../task-start.ts';
import { checkSubmission } from '../task-submission.ts';
import { renderTask, TaskBody } from '../task-view.ts';

const SIMPLE_ACTIONS = ['withdraw', 'send', 'pause', 'resume', 'cancel'] as const;
type SimpleAction = (typeof SIMPLE_ACTIONS)[number];

const actionSchema = (operationId: string) => ({
  operationId,
  tags: ['tasks'],
  ...PERSON,
  params: IdParams,
  response: { 200: ActionAnswer, 202: ActionAnswer, ...problemResponses(404, 409, 422) },
});

export async function taskActionRoutes(app: App, deps: ApiDeps): Promise<void> {
  for (const verb of SIMPLE_ACTIONS) simpleActionRoute(app, deps, verb);

  app.post(
    '/v1/tasks/:id/submit',
    {
      onRequest: app.guard.may('tasks.submit'),
      ...idempotent(deps),
      schema: {
        ...actionSchema('submitTask'),
        headers: IfMatch,
        response: { 200: ActionAnswer, ...problemResponses(404, 409, 412, 422) },
      },
    },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'submit');
      checkPrecondition(task, request.headers['if-match']);
      await checkSubmission(deps, task);
      const origin = originOf(request, await deps.clock());
      const view = await startTask(deps, task, personOf(request).personId, origin);
      return sendActionAnswer(reply, task, { pending: false, view });
    },
  );

  app.put(
    '/v1/tasks/:id/rate',
    {
      onRequest: app.guard.may('tasks.set_rate'),
      schema: { ...actionSchema('setTaskRate'), body: z.strictObject({ ratePerSecond: RatePerSecond }) },
    },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'set_rate');
      const payload = { by: personOf(request).personId, ratePerSecond: request.body.ratePerSecond };
      const origin = originOf(request, await deps.clock());
      const command = { name: 'setRate', payload, origin } as const;
      return sendActionAnswer(reply, task, await executeCommand(deps, task, command));
    },
  );

  app.post(
    '/v1/tasks/:id/copy',
    {
      onRequest: app.guard.may('tasks.change'),
      ...idempotent(deps),
      schema: {
        ...actionSchema('copyTask'),
        body: z.strictObject({ name: TaskName.optional() }).nullish(),
        response: { 201: TaskBody, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const original = await taskFor(deps, request, 'copy');
      const { appId, personId } = personOf(request);
      const { definition, subgroupId, ratePerSecond } = original;
      const campaigns = (await subCampaignsOf(deps.db, [original.id])).get(original.id) ?? [];
      const taskId = await createDraft(deps, {
        ...{ appId, personId, definition, subgroupId, ratePerSecond },
        subCampaignIds: campaigns.map(({ id }) => id),
        origin: originOf(request, await deps.clock()),
        name: request.body?.name ?? nameOfCopy(original.name),
        verb: 'copy',
        detail: original.id,
      });
      const task = await findTask(deps.db, { appId, taskId });
      if (task === undefined) throw notFound('task');
      reply.code(201).header('location', `/v1/tasks/${taskId}`).header('etag', `"${task.revision}"`);
      return renderTask(deps, task, await warningsOf(deps, appId, definition));
    },
  );
}

function simpleActionRoute(app: App, deps: ApiDeps, verb: SimpleAction): void {
  app.post(
    `/v1/tasks/:id/${verb}`,
    { onRequest: app.guard.may(`tasks.${verb}`), ...idempotent(deps), schema: actionSchema(`${verb}Task`) },
    async (request, reply) => {
      const task = await taskFor(deps, request, verb);
      const key = keyOf(request);
      const payload = payloadOf(verb, personOf(request).personId, key);
      const origin = originOf(request, await deps.clock());
      const command = { name: verb, payload, key, origin };
      return sendActionAnswer(reply, task, await executeCommand(deps, task, command));
    },
  );
}

/** A send names its request, so that one that arrives both as an update and as a signal pushes once. */
function payloadOf(verb: SimpleAction, by: string, key: string | undefined): CommandPayload<SimpleAction> {
  if (verb !== 'send') return { by };
  const request = key === undefined ? randomUUID() : createHash('sha256').update(key).digest('base64url');
  return { by, request };
}

function keyOf(request: FastifyRequest): string | undefined {
  return request.idempotency?.key;
}

const NAME_LENGTH = 200;
const COPY = ' (copy)';

function nameOfCopy(name: string): string {
  return `${[...name].slice(0, NAME_LENGTH - COPY.length).join('')}${COPY}`;
}
