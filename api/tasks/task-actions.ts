import { createHash, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { subCampaignsOf } from '../../db/tasks/sub-campaigns.ts';
import { findTask } from '../../db/tasks/tasks.ts';
import { cutText } from '../../domain/graphemes.ts';
import type { CommandPayload } from '../../domain/tasks/commands.ts';
import { RatePerSecond } from '../../domain/tasks/task-definition.ts';
import { withoutPassedTime } from '../../domain/tasks/timing-check.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IdParams } from '../http/schemas.ts';
import { ActionAnswer, sendActionAnswer } from './action-answer.ts';
import { type Warning, warningsOf } from './task-checks.ts';
import { executeCommand } from './task-command.ts';
import { createDraft } from './task-draft.ts';
import { checkPrecondition, IfMatch } from './task-edit.ts';
import { TaskName } from './task-labels.ts';
import { taskFor } from './task-lookup.ts';
import { startTask } from './task-start.ts';
import { checkSubmission, forecastWarnings } from './task-submission.ts';
import { renderTask, TaskBody } from './task-view.ts';

const SIMPLE_ACTIONS = ['withdraw', 'send', 'pause', 'resume', 'cancel'] as const;
type SimpleAction = (typeof SIMPLE_ACTIONS)[number];

const tags = ['tasks'] as const;
const response = { 200: ActionAnswer, 202: ActionAnswer };

export async function taskActionRoutes(app: App, deps: ApiDeps): Promise<void> {
  for (const action of SIMPLE_ACTIONS) simpleActionRoute(app, deps, action);
  submitTaskRoute(app, deps);
  setTaskRateRoute(app, deps);
  copyTaskRoute(app, deps);
}

function submitTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks/:id/submit',
    access: 'tasks.submit',
    audit: AUDIT_ACTIONS.submitTask,
    idempotent: true,
    schema: {
      operationId: 'submitTask',
      summary: 'Submit a task for approval',
      tags,
      params: IdParams,
      headers: IfMatch,
      response: { 200: ActionAnswer },
    },
    problems: [404, 409, 412, 422],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, 'submit');
      checkPrecondition(task, request.headers['if-match']);
      await checkSubmission(deps, task);
      const origin = originOf(request, await deps.clock());
      const view = await startTask(deps, task, personOf(request).personId, origin);
      const warnings = await forecastWarnings(deps, task, { status: view.status, counted: true });
      return sendActionAnswer(reply, task, { pending: false, view }, warnings);
    },
  });
}

function setTaskRateRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PUT',
    path: '/v1/tasks/:id/rate',
    access: 'tasks.set_rate',
    audit: AUDIT_ACTIONS.setTaskRate,
    schema: {
      operationId: 'setTaskRate',
      summary: 'Set the rate limit of a task',
      example: { ratePerSecond: 500 },
      tags,
      params: IdParams,
      body: z.strictObject({ ratePerSecond: RatePerSecond }),
      response,
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, 'set_rate');
      const payload = { by: personOf(request).personId, ratePerSecond: request.body.ratePerSecond };
      const origin = originOf(request, await deps.clock());
      const command = { name: 'setRate', payload, origin } as const;
      return sendActionAnswer(reply, task, await executeCommand(deps, task, command));
    },
  });
}

function copyTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks/:id/copy',
    access: 'tasks.change',
    audit: AUDIT_ACTIONS.copyTask,
    idempotent: true,
    schema: {
      operationId: 'copyTask',
      summary: 'Copy a task to a draft',
      example: { name: 'Autumn sale, again' },
      tags,
      params: IdParams,
      body: z.strictObject({ name: TaskName.optional() }).nullish(),
      response: { 201: TaskBody },
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const original = await taskFor(deps, request, 'copy');
      const { appId, personId } = personOf(request);
      const { subgroupId, ratePerSecond } = original;
      const now = await deps.clock();
      const { definition, passed } = withoutPassedTime(original.definition, now.getTime());
      const campaigns = (await subCampaignsOf(deps.db, [original.id])).get(original.id) ?? [];
      const taskId = await createDraft(deps, {
        appId,
        personId,
        definition,
        subgroupId,
        ratePerSecond,
        subCampaignIds: campaigns.map(({ id }) => id),
        origin: originOf(request, now),
        name: request.body?.name ?? nameOfCopy(original.name),
        action: 'copy',
        detail: original.id,
      });
      const task = await findTask(deps.db, { appId, taskId });
      if (task === undefined) throw notFound('task');
      reply.code(201).header('location', `/v1/tasks/${taskId}`).header('etag', `"${task.revision}"`);
      const warnings = await warningsOf(deps, appId, definition);
      return renderTask(deps, task, passed === undefined ? warnings : [leftOut(passed.detail), ...warnings]);
    },
  });
}

function leftOut(passed: string): Warning {
  const detail = `${passed} and is left out of the copy: without a time the push is sent as soon as it is approved`;
  return { code: 'push_time_left_out', detail };
}

const SUMMARIES = {
  withdraw: 'Withdraw a task from approval',
  send: 'Push a manual task',
  pause: 'Pause a task',
  resume: 'Resume a paused task',
  cancel: 'Cancel a task',
} as const satisfies Record<SimpleAction, string>;

function simpleActionRoute(app: App, deps: ApiDeps, action: SimpleAction): void {
  const operationId = `${action}Task` as const;
  route(app, {
    method: 'POST',
    path: `/v1/tasks/:id/${action}`,
    access: `tasks.${action}`,
    audit: AUDIT_ACTIONS[operationId],
    idempotent: true,
    schema: { operationId, summary: SUMMARIES[action], tags, params: IdParams, response },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, action);
      const key = keyOf(request);
      const payload = payloadOf(action, personOf(request).personId, key);
      const origin = originOf(request, await deps.clock());
      const command = { name: action, payload, key, origin };
      return sendActionAnswer(reply, task, await executeCommand(deps, task, command));
    },
  });
}

/** The request's ID makes a send that arrives both as an update and as a signal push only once. */
function payloadOf(action: SimpleAction, by: string, key: string | undefined): CommandPayload<SimpleAction> {
  if (action !== 'send') return { by };
  const request = key === undefined ? randomUUID() : createHash('sha256').update(key).digest('base64url');
  return { by, request };
}

function keyOf(request: FastifyRequest): string | undefined {
  return request.idempotency?.key;
}

const NAME_LENGTH = 200;
const COPY = ' (copy)';

function nameOfCopy(name: string): string {
  return `${cutText(name, NAME_LENGTH - COPY.length)}${COPY}`;
}
