import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { atOneMoment } from '../../db/core/database.ts';
import { type Period, readAppDays, readAppTotals } from '../../db/statistics/totals.ts';
import { listStartedPushes } from '../../db/tasks/task-history.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { BomQuery, type Cell, CSV_RESPONSE, sendCsv } from '../csv/csv-export.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';
import { renderPushes } from '../pushes/push-view.ts';
import { AppTotalsBody, daysOf, totalsOf } from '../pushes/totals-view.ts';
import { PUSH_COLUMNS, pushRow } from './statistics-export.ts';

const USUAL_DAYS = 30;
const MAX_DAYS = 366;
const PAGE = 200;

const PeriodQuery = z.strictObject({
  /** The start of the period in which pushes started. Defaults to 30 days before `to`. */
  from: IsoDate.optional(),
  /** The end of the period, exclusive. Defaults to now. */
  to: IsoDate.optional(),
});

const tags = ['statistics'] as const;

export async function appStatisticsRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/statistics',
    access: 'tasks.read',
    schema: {
      operationId: 'getAppStatistics',
      summary: 'Get the statistics of the app by day',
      tags,
      querystring: PeriodQuery,
      response: { 200: AppTotalsBody },
    },
    handler: async (request) => {
      const period = await periodOf(deps, request);
      const { from, to } = period;
      const { totals, days } = await atOneMoment(deps.db, async (trx) => ({
        totals: await readAppTotals(trx, period),
        days: await readAppDays(trx, period),
      }));
      return { from, to, ...totalsOf(totals, await deps.clock()), days: daysOf(days, totals) };
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/statistics.csv',
    access: 'tasks.read',
    schema: {
      operationId: 'exportAppStatistics',
      summary: 'Export the statistics of the app as CSV',
      tags,
      querystring: PeriodQuery.extend(BomQuery),
      response: { 200: CSV_RESPONSE },
    },
    handler: async (request, reply) =>
      sendCsv(reply, {
        name: 'pushes',
        columns: PUSH_COLUMNS,
        pages: pushPages(deps, await periodOf(deps, request)),
        bom: request.query.bom,
      }),
  });
}

async function periodOf(
  deps: ApiDeps,
  request: FastifyRequest & { query: z.infer<typeof PeriodQuery> },
): Promise<Period> {
  const to = request.query.to ?? new Date((await deps.clock()).getTime() + 1);
  const from = request.query.from ?? new Date(to.getTime() - USUAL_DAYS * DAY_MS);
  const faults = [];
  if (from >= to) faults.push({ parameter: 'from', detail: 'must be before `to`' });
  if (to.getTime() - from.getTime() > MAX_DAYS * DAY_MS) {
    faults.push({ parameter: 'from', detail: `must be at most ${MAX_DAYS} days before \`to\`` });
  }
  if (faults.length > 0) throw new Problem('invalid_request', 'The request is not valid', { errors: faults });
  return { appId: appIdOf(request), from, to };
}

/** Pages of pushes, newest first. */
async function* pushPages(deps: ApiDeps, period: Period): AsyncGenerator<Cell[][]> {
  for (let after: { startedAt: Date; no: number } | undefined; ; ) {
    const pushes = await listStartedPushes(deps.db, { ...period, after, limit: PAGE });
    yield (await renderPushes(deps, pushes)).map(pushRow);
    const last = pushes.at(-1);
    if (last === undefined || last.startedAt === null || pushes.length < PAGE) return;
    after = { startedAt: last.startedAt, no: last.no };
  }
}
