import { z } from 'zod';
import { decodeCursor, toPage } from '../../db/paging.ts';
import { countTasksByStatus, listSubgroups, listTasks } from '../../db/task-list.ts';
import { findTask } from '../../db/tasks.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { RatePerSecond, TaskDefinition } from '../../domain/task-definition.ts';
import { PUSH_TYPES, TASK_STATUSES } from '../../domain/task-status.ts';
import type { App } from '../app.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IsoDate, Page, PageQuery } from '../schemas.ts';
import { checkDefinition, warningsOf } from '../task-checks.ts';
import { createDraft, Subgroup, TaskName } from '../task-draft.ts';
import { readingById, taskOf } from '../task-lookup.ts';
import { renderTask, renderTasks, TaskBody, TaskSummary } from '../task-view.ts';

const NewTask = TaskDefinition.safeExtend({
  name: TaskName,
  subgroup: Subgroup.optional(),
  ratePerSecond: RatePerSecond.optional(),
}).meta({ id: 'NewTask' });

/** One status, or several: `status=draft&status=rejected`. */
const Statuses = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(z.enum(TASK_STATUSES)).max(TASK_STATUSES.length),
);
const TaskQuery = PageQuery.extend({
  status: Statuses.optional(),
  subgroup: z.union([z.literal(''), PlainText(100)]).optional(),
  pushType: z.enum(PUSH_TYPES).optional(),
  creator: PlainText(100).optional(),
  channel: PlainText(100).optional(),
  createdFrom: IsoDate.optional(),
  createdTo: IsoDate.optional(),
  pushFrom: IsoDate.optional(),
  pushTo: IsoDate.optional(),
  /** A task's ID, or part of its name. */
  search: PlainText(200).optional(),
  order: z.enum(['asc', 'desc']).default('desc'),
});
const TaskPage = Page(TaskSummary).extend({
  /** How many tasks of each status the other filters leave. */
  counts: z.partialRecord(z.enum(TASK_STATUSES), z.int()),
  subgroups: z.array(z.string()),
});

const tags = ['tasks'];

export async function taskRoutes(app: App, deps: ApiDeps): Promise<void> {
  creating(app, deps);
  reading(app, deps);
}

function creating(app: App, deps: ApiDeps): void {
  app.post(
    '/v1/tasks',
    {
      onRequest: app.guard.may('tasks.change'),
      ...idempotent(deps),
      schema: {
        operationId: 'createTask',
        tags,
        ...PERSON,
        body: NewTask,
        response: { 201: TaskBody, ...problemResponses(409, 422) },
      },
    },
    async (request, reply) => {
      const { name, subgroup = '', ratePerSecond = null, ...given } = request.body;
      const { appId, personId } = personOf(request);
      const definition = await checkDefinition(deps, appId, given);
      const taskId = await createDraft(deps, {
        ...{ appId, personId, name, subgroup, ratePerSecond, definition },
        verb: 'create',
      });
      const task = await findTask(deps.db, { appId, taskId });
      if (task === undefined) throw notFound('task');
      reply.code(201).header('location', `/v1/tasks/${taskId}`).header('etag', `"${task.revision}"`);
      return renderTask(deps, task, await warningsOf(deps, appId, definition));
    },
  );
}

function reading(app: App, deps: ApiDeps): void {
  app.get(
    '/v1/tasks',
    {
      onRequest: app.guard.may('tasks.read'),
      schema: {
        operationId: 'listTasks',
        tags,
        ...PERSON,
        querystring: TaskQuery,
        response: { 200: TaskPage, ...problemResponses() },
      },
    },
    async (request) => {
      const { limit, cursor, order, ...filters } = request.query;
      const filter = { ...filters, appId: appIdOf(request) };
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      const page = toPage(await listTasks(deps.db, filter, { after, order, limit: limit + 1 }), limit);
      return {
        items: await renderTasks(deps, page.items),
        nextCursor: page.nextCursor,
        counts: await countTasksByStatus(deps.db, filter),
        subgroups: await listSubgroups(deps.db, filter),
      };
    },
  );

  app.get(
    '/v1/tasks/:id',
    readingById(app, { operationId: 'getTask', tags, response: { 200: TaskBody, ...problemResponses(404) } }),
    async (request, reply) => {
      const task = await taskOf(deps, request);
      reply.header('etag', `"${task.revision}"`);
      return renderTask(deps, task, await warningsOf(deps, task.appId, task.definition));
    },
  );
}
