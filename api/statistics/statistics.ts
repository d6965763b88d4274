import { z } from 'zod';
import { listPushes, type PushSummary } from '../../db/tasks/task-history.ts';
import { route } from '../access/route.ts';
import { BomQuery, type Cell, CSV_RESPONSE, sendCsv } from '../csv/csv-export.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IdParams } from '../http/schemas.ts';
import { pushOf } from '../pushes/push-lookup.ts';
import { renderPushes } from '../pushes/push-view.ts';
import { StatisticsDetail } from '../pushes/statistics-view.ts';
import { TotalsBody } from '../pushes/totals-view.ts';
import { taskOf } from '../tasks/task-lookup.ts';
import { readPushStatistics } from './push-statistics.ts';
import { METRIC_COLUMNS, metricRows, PUSH_COLUMNS, pushRow } from './statistics-export.ts';
import { readTaskStatistics } from './task-statistics.ts';

const tags = ['statistics'] as const;
const PAGE = 200;

export async function statisticsRoutes(app: App, deps: ApiDeps): Promise<void> {
  pushStatistics(app, deps);
  taskStatistics(app, deps);
}

function pushStatistics(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id/statistics',
    access: 'tasks.read',
    schema: {
      operationId: 'getPushStatistics',
      summary: 'Get the statistics of a push',
      tags,
      params: IdParams,
      response: { 200: StatisticsDetail },
    },
    problems: [404],
    handler: async (request) => detailsOf(deps, await pushOf(deps, request)),
  });

  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id/statistics.csv',
    access: 'tasks.read',
    schema: {
      operationId: 'exportPushStatistics',
      summary: 'Export the statistics of a push as CSV',
      tags,
      params: IdParams,
      querystring: z.strictObject(BomQuery),
      response: { 200: CSV_RESPONSE },
    },
    problems: [404],
    handler: async (request, reply) => {
      const push = await pushOf(deps, request);
      const rows = metricRows(await detailsOf(deps, push));
      const file = { name: `${push.id}-statistics`, columns: METRIC_COLUMNS, pages: once(rows) };
      return sendCsv(reply, { ...file, ...request.query });
    },
  });
}

function taskStatistics(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/statistics',
    access: 'tasks.read',
    schema: {
      operationId: 'getTaskStatistics',
      summary: 'Get the statistics of a task',
      tags,
      params: IdParams,
      response: { 200: TotalsBody },
    },
    problems: [404],
    handler: async (request) => {
      const { id } = await taskOf(deps, request);
      return (await readTaskStatistics(deps, id)).body;
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/statistics.csv',
    access: 'tasks.read',
    schema: {
      operationId: 'exportTaskStatistics',
      summary: 'Export the statistics of a task as CSV',
      tags,
      params: IdParams,
      querystring: z.strictObject(BomQuery),
      response: { 200: CSV_RESPONSE },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { id } = await taskOf(deps, request);
      const pages = pushPages(deps, id);
      return sendCsv(reply, { name: `${id}-pushes`, columns: PUSH_COLUMNS, pages, ...request.query });
    },
  });
}

/** Pages of pushes, newest first. */
async function* pushPages(deps: ApiDeps, taskId: string): AsyncGenerator<Cell[][]> {
  for (let before: number | undefined; ; ) {
    const pushes = await listPushes(deps.db, { taskId, before, limit: PAGE });
    yield (await renderPushes(deps, pushes)).map(pushRow);
    if (pushes.length < PAGE) return;
    before = pushes.at(-1)?.seq;
  }
}

async function detailsOf(deps: ApiDeps, { no }: PushSummary): Promise<StatisticsDetail> {
  const detail = await readPushStatistics(deps, no);
  if (detail === undefined) throw notFound('push');
  return detail;
}

async function* once<T>(page: T): AsyncGenerator<T> {
  yield page;
}
