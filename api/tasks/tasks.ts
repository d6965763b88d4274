import { z } from 'zod';
import { findAppStop } from '../../db/apps/app-stop.ts';
import { refreshTotals } from '../../db/statistics/task-totals.ts';
import { countTasksByStatus, listTasks } from '../../db/tasks/task-list.ts';
import { sortsByTotals, TASK_SORTS } from '../../db/tasks/task-sort.ts';
import { findTask } from '../../db/tasks/tasks.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { APPROVAL_STATES } from '../../domain/tasks/approval-state.ts';
import { RatePerSecond, TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { PUSH_TYPES, TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import { AppStop } from '../http/app-stop-view.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { pageSerializer } from '../http/page-serializer.ts';
import { notFound } from '../http/problem.ts';
import { IdParams, IsoDate, Page, PageQuery } from '../http/schemas.ts';
import { checkDefinition, warningsOf } from './task-checks.ts';
import { decodePlaceOf, encodePlace } from './task-cursor.ts';
import { createDraft } from './task-draft.ts';
import { SubCampaignIds, SubgroupId, TaskName } from './task-labels.ts';
import { taskOf } from './task-lookup.ts';
import { forecastWarnings } from './task-submission.ts';
import { renderTask, renderTasks, TaskBody, TaskSummary } from './task-view.ts';

const NewTask = TaskDefinition.safeExtend({
  name: TaskName,
  subgroupId: SubgroupId.optional(),
  subCampaignIds: SubCampaignIds.optional(),
  ratePerSecond: RatePerSecond.optional(),
}).meta({ id: 'NewTask' });

/** One value or several, as in `status=draft&status=rejected`. */
function Several<Value extends string>(values: readonly Value[]) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(z.enum(values)).max(values.length),
  );
}
const TaskQuery = PageQuery.extend({
  status: Several(TASK_STATUSES).optional(),
  approval: Several(APPROVAL_STATES).optional(),
  /** A folder, with all folders inside it. `none` selects the tasks in no folder. */
  subgroup: PlainText(100).optional(),
  subCampaign: PlainText(100).optional(),
  pushType: Several(PUSH_TYPES).optional(),
  creator: PlainText(100).optional(),
  channel: PlainText(100).optional(),
  createdFrom: IsoDate.optional(),
  createdTo: IsoDate.optional(),
  pushFrom: IsoDate.optional(),
  pushTo: IsoDate.optional(),
  /** A task's ID, or part of its name, in any language and case. */
  search: PlainText(200).optional(),
  sort: z.enum(TASK_SORTS).default('createdAt'),
  order: z.enum(['asc', 'desc']).default('desc'),
  /** `false` leaves `counts` out, because later pages have no need for the same counts. */
  counts: z.enum(['true', 'false']).default('true'),
});
const TaskPage = Page(TaskSummary).extend({
  /** The number of tasks of each status that match the other filters. */
  counts: z.partialRecord(z.enum(TASK_STATUSES), z.int()).nullable(),
  /** Set while the emergency stop holds everything of the app. */
  appStop: AppStop.nullable(),
  /** The moment of the figures that the tasks are sorted by. Null when another field sorts them. */
  sortedAsOf: IsoDate.nullable(),
});

const tags = ['tasks'] as const;

export async function taskRoutes(app: App, deps: ApiDeps): Promise<void> {
  creating(app, deps);
  reading(app, deps);
}

function creating(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks',
    access: 'tasks.change',
    audit: AUDIT_ACTIONS.createTask,
    idempotent: true,
    schema: {
      operationId: 'createTask',
      summary: 'Create a task as a draft',
      example: {
        name: 'Autumn sale',
        pushType: 'single',
        audience: { id: 'audience-of-yours' },
        content: { title: 'Sale', body: 'Today only' },
      },
      tags,
      body: NewTask,
      response: { 201: TaskBody },
    },
    problems: [409, 422],
    handler: async (request, reply) => {
      const { name, subgroupId = null, subCampaignIds = [], ratePerSecond = null, ...given } = request.body;
      const { appId, personId } = personOf(request);
      const definition = await checkDefinition(deps, appId, given);
      const taskId = await createDraft(deps, {
        appId,
        personId,
        name,
        subgroupId,
        subCampaignIds,
        ratePerSecond,
        definition,
        origin: originOf(request, await deps.clock()),
        action: 'create',
      });
      const task = await findTask(deps.db, { appId, taskId });
      if (task === undefined) throw notFound('task');
      reply.code(201).header('location', `/v1/tasks/${taskId}`).header('etag', `"${task.revision}"`);
      return renderTask(deps, task, await warningsOf(deps, appId, definition));
    },
  });
}

function reading(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks',
    access: 'tasks.read',
    serializerCompiler: pageSerializer,
    schema: {
      operationId: 'listTasks',
      summary: 'List, search and count tasks',
      tags,
      querystring: TaskQuery,
      response: { 200: TaskPage },
    },
    handler: async (request) => {
      const { limit, cursor, sort, order, counts, ...filters } = request.query;
      const filter = { ...filters, appId: appIdOf(request) };
      const after = cursor === undefined ? undefined : decodePlaceOf(sort, cursor);
      const now = await deps.clock();
      const sortedAsOf = sortsByTotals(sort) ? await refreshTotals(deps.db, { ...filter, now }) : null;
      const [rows, counted, appStop] = await Promise.all([
        listTasks(deps.db, filter, { sort, order, after, limit: limit + 1 }),
        counts === 'true' ? countTasksByStatus(deps.db, filter) : null,
        findAppStop(deps.db, filter),
      ]);
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: await renderTasks(deps, shown),
        nextCursor: rows.length > limit && last !== undefined ? encodePlace(sort, last) : null,
        counts: counted,
        appStop: appStop ?? null,
        sortedAsOf,
      };
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id',
    access: 'tasks.read',
    schema: {
      operationId: 'getTask',
      summary: 'Get a task',
      tags,
      params: IdParams,
      response: { 200: TaskBody },
    },
    problems: [404],
    handler: async (request, reply) => {
      const task = await taskOf(deps, request);
      reply.header('etag', `"${task.revision}"`);
      const { appId, definition, status } = task;
      const isAsked = status === 'pending_approval';
      const forecast = isAsked ? await forecastWarnings(deps, task, { status, counted: false }) : [];
      return renderTask(deps, task, [...forecast, ...(await warningsOf(deps, appId, definition, status))]);
    },
  });
}
