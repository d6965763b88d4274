import { readHours } from '../../db/hours.ts';
import { readStatistics } from '../../db/statistics.ts';
import type { PushSummary } from '../../db/task-history.ts';
import { readTaskTotals } from '../../db/totals.ts';
import type { App } from '../app.ts';
import { CSV_RESPONSE, sendCsv } from '../csv-export.ts';
import type { ApiDeps } from '../deps.ts';
import { notFound, problemResponses } from '../problem.ts';
import { pushOf } from '../push-lookup.ts';
import { METRIC_COLUMNS, metricRows } from '../statistics-export.ts';
import { detailOf, StatisticsDetail } from '../statistics-view.ts';
import { readingById, taskOf } from '../task-lookup.ts';
import { TotalsBody, totalsOf } from '../totals-view.ts';

const tags = ['statistics'];

export async function statisticsRoutes(app: App, deps: ApiDeps): Promise<void> {
  app.get(
    '/v1/pushes/:id/statistics',
    readingById(app, {
      operationId: 'getPushStatistics',
      tags,
      response: { 200: StatisticsDetail, ...problemResponses(404) },
    }),
    async (request) => detailsOf(deps, await pushOf(deps, request)),
  );

  app.get(
    '/v1/pushes/:id/statistics.csv',
    readingById(app, {
      operationId: 'exportPushStatistics',
      tags,
      response: { 200: CSV_RESPONSE, ...problemResponses(404) },
    }),
    async (request, reply) => {
      const push = await pushOf(deps, request);
      const rows = metricRows(await detailsOf(deps, push));
      return sendCsv(reply, { name: `${push.id}-statistics`, columns: METRIC_COLUMNS, pages: once(rows) });
    },
  );

  app.get(
    '/v1/tasks/:id/statistics',
    readingById(app, {
      operationId: 'getTaskStatistics',
      tags,
      response: { 200: TotalsBody, ...problemResponses(404) },
    }),
    async (request) => {
      const task = await taskOf(deps, request);
      return totalsOf(await readTaskTotals(deps.db, { taskId: task.id }), await deps.clock());
    },
  );
}

async function detailsOf(deps: ApiDeps, { no: pushNo }: PushSummary): Promise<StatisticsDetail> {
  const answer = await readStatistics(deps.db, { pushNo, now: await deps.clock() });
  if (answer === undefined) throw notFound('push');
  return detailOf(answer, await readHours(deps.db, pushNo));
}

async function* once<T>(page: T): AsyncGenerator<T> {
  yield page;
}
