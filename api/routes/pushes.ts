import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { countDetails, listDetails } from '../../db/details.ts';
import { createResultAudience } from '../../db/result-audience.ts';
import { readStatistics } from '../../db/statistics.ts';
import { findPushSummary, type PushSummary } from '../../db/task-history.ts';
import { DetailsFilter } from '../../domain/details-filter.ts';
import { newId, PUSH_ID } from '../../domain/ids.ts';
import type { App } from '../app.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { DeliveryPage, DetailsQuery } from '../details-schemas.ts';
import { idempotent } from '../idempotency.ts';
import { decodePlace, toNumberedPage } from '../number-cursor.ts';
import { PERSON } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { hasDetails, PushBody, renderPushes } from '../push-view.ts';
import { Label } from '../schemas.ts';
import { StatisticsBody } from '../statistics-view.ts';
import { IdParams, readingById } from '../task-lookup.ts';

const NewResultAudience = z
  .strictObject({ name: Label(200), filter: DetailsFilter })
  .meta({ id: 'NewResultAudience' });
const ResultAudience = z
  .object({ id: z.string(), name: z.string(), version: z.int(), members: z.int() })
  .meta({ id: 'ResultAudience' });

const tags = ['pushes'];

export async function pushRoutes(app: App, deps: ApiDeps): Promise<void> {
  pushReads(app, deps);
  deliveryReads(app, deps);
  resultAudiences(app, deps);
}

function pushReads(app: App, deps: ApiDeps): void {
  app.get(
    '/v1/pushes/:id',
    readingById(app, { operationId: 'getPush', tags, response: { 200: PushBody, ...problemResponses(404) } }),
    async (request) => {
      const [shown] = await renderPushes(deps, [await pushOf(deps, request)]);
      if (shown === undefined) throw notFound('push');
      return shown;
    },
  );

  app.get(
    '/v1/pushes/:id/statistics',
    readingById(app, {
      operationId: 'getPushStatistics',
      tags,
      response: { 200: StatisticsBody, ...problemResponses(404) },
    }),
    async (request) => {
      const { no } = await pushOf(deps, request);
      const answer = await readStatistics(deps.db, { pushNo: no, now: await deps.clock() });
      if (answer === undefined) throw notFound('push');
      return answer;
    },
  );
}

function deliveryReads(app: App, deps: ApiDeps): void {
  app.get(
    '/v1/pushes/:id/deliveries',
    readingById(app, {
      operationId: 'listDeliveries',
      tags,
      querystring: DetailsQuery,
      response: { 200: DeliveryPage, ...problemResponses(404, 410) },
    }),
    async (request) => {
      const { limit, cursor, count, ...filter } = request.query;
      const ledger = await ledgerOf(deps, await pushOf(deps, request));
      if (ledger === undefined) return { items: [], nextCursor: null, total: count ? 0 : null };
      const after = decodePlace(cursor) ?? 0;
      const rows = await listDetails(deps.db, { ...ledger, filter, after, limit: limit + 1 });
      const total = count ? await countDetails(deps.db, { ...ledger, filter }) : null;
      return { ...toNumberedPage(rows, limit, (row) => row.n), total };
    },
  );
}

function resultAudiences(app: App, deps: ApiDeps): void {
  app.post(
    '/v1/pushes/:id/audience',
    {
      onRequest: app.guard.may('audiences.change'),
      ...idempotent(deps),
      schema: {
        operationId: 'createResultAudience',
        ...PERSON,
        tags,
        params: IdParams,
        body: NewResultAudience,
        response: { 201: ResultAudience, ...problemResponses(404, 409, 410, 422) },
      },
    },
    async (request, reply) => {
      const { no: pushNo } = await pushOf(deps, request);
      const { appId, personId: createdBy } = personOf(request);
      const id = newId('audience', randomBytes);
      const { name, filter } = request.body;
      const now = await deps.clock();
      const members = await createResultAudience(deps.db, {
        id,
        appId,
        name,
        pushNo,
        filter,
        createdBy,
        now,
      });
      if (members === undefined) throw gone();
      return reply.code(201).send({ id, name, version: 1, members });
    },
  );
}

async function pushOf(
  deps: ApiDeps,
  request: FastifyRequest & { params: z.infer<typeof IdParams> },
): Promise<PushSummary> {
  const pushId = request.params.id;
  const args = { appId: appIdOf(request), pushId };
  const push = PUSH_ID.test(pushId) ? await findPushSummary(deps.db, args) : undefined;
  if (push === undefined) throw notFound('push');
  return push;
}

/** Where the details are; undefined while there are none yet. */
async function ledgerOf(
  deps: ApiDeps,
  push: PushSummary,
): Promise<{ pushNo: number; slot: Date } | undefined> {
  if (!hasDetails(push, await deps.clock())) throw gone();
  return push.slot === null ? undefined : { pushNo: push.no, slot: push.slot };
}

function gone(): Problem {
  return new Problem('gone', 'Device-level details end with the receipt window; the statistics stay');
}
