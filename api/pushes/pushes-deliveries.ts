import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { createResultAudience } from '../../db/audiences/result-audience.ts';
import { countDeliveries, listDeliveries } from '../../db/ledger/deliveries.ts';
import { newId } from '../../domain/ids.ts';
import { DeliveryFilter } from '../../domain/pushes/delivery-filter.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { CSV_RESPONSE, sendCsv } from '../csv/csv-export.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { decodePlace, toNumberedPage } from '../http/number-cursor.ts';
import { Problem } from '../http/problem.ts';
import { IdParams, Label } from '../http/schemas.ts';
import { DELIVERY_COLUMNS, deliveryPages } from './deliveries-export.ts';
import { DeliveryExportQuery, DeliveryPage, DeliveryQuery } from './deliveries-schemas.ts';
import { DeliverySearch } from './delivery-search.ts';
import { gone, ledgerOf, pushOf } from './push-lookup.ts';

const NewResultAudience = z
  .strictObject({ name: Label(200), filter: DeliveryFilter })
  .meta({ id: 'NewResultAudience' });
const ResultAudience = z
  .object({ id: z.string(), name: z.string(), version: z.int(), members: z.int() })
  .meta({ id: 'ResultAudience' });

const tags = ['pushes'] as const;
const IN_QUERY = { parameter: 'variant' };

export async function pushDeliveryRoutes(app: App, deps: ApiDeps): Promise<void> {
  deliveryReads(app, deps);
  deliveryExport(app, deps);
  resultAudiences(app, deps);
}

function deliveryReads(app: App, deps: ApiDeps): void {
  const search = new DeliverySearch(deps.db);
  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id/deliveries',
    access: 'tasks.read',
    schema: {
      operationId: 'listDeliveries',
      summary: 'List the deliveries of a push',
      tags,
      params: IdParams,
      querystring: DeliveryQuery,
      response: { 200: DeliveryPage },
    },
    problems: [404, 410],
    handler: async (request) => {
      const { limit, cursor, count, ...filter } = request.query;
      const at = { variant: filter.variant, place: IN_QUERY };
      const ledger = await ledgerOf(deps, await pushOf(deps, request), at);
      if (ledger === undefined) return { items: [], nextCursor: null, total: count ? 0 : null };
      const after = decodePlace(cursor) ?? 0;
      const rows = await search.page((db) =>
        listDeliveries(db, { ...ledger, filter, after, limit: limit + 1 }),
      );
      const total = count ? await search.all((db) => countDeliveries(db, { ...ledger, filter })) : null;
      return { ...toNumberedPage(rows, limit, (row) => row.deliveryNo), total };
    },
  });
}

function deliveryExport(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id/deliveries.csv',
    access: 'tasks.read',
    audit: AUDIT_ACTIONS.exportDeliveries,
    schema: {
      operationId: 'exportDeliveries',
      summary: 'Export the deliveries of a push as CSV',
      tags,
      params: IdParams,
      querystring: DeliveryExportQuery,
      response: { 200: CSV_RESPONSE },
    },
    problems: [404, 410],
    handler: async (request, reply) => {
      const push = await pushOf(deps, request);
      const { bom, ...filter } = request.query;
      const ledger = await ledgerOf(deps, push, { variant: filter.variant, place: IN_QUERY });
      const pages = deliveryPages(deps, push, { ledger, filter });
      await recordAuditEntry(deps.db, request, {
        taskId: push.taskId,
        detail: push.id,
        now: await deps.clock(),
      });
      return sendCsv(reply, { name: `${push.id}-deliveries`, columns: DELIVERY_COLUMNS, pages, bom });
    },
  });
}

function resultAudiences(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/pushes/:id/audience',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.createResultAudience,
    idempotent: true,
    schema: {
      operationId: 'createResultAudience',
      summary: 'Create an audience from the result of a push',
      example: { name: 'Did not open', filter: { result: 'success', open: false } },
      tags,
      params: IdParams,
      body: NewResultAudience,
      response: { 201: ResultAudience },
    },
    problems: [404, 409, 410, 422],
    handler: async (request, reply) => {
      const { name, filter } = request.body;
      const at = { variant: filter.variant, place: { pointer: '/filter/variant' } };
      const ledger = await ledgerOf(deps, await pushOf(deps, request), at);
      if (ledger === undefined) throw unready();
      const { appId, personId: createdBy } = personOf(request);
      const id = newId('audience', randomBytes);
      const now = await deps.clock();
      const members = await deps.db.transaction().execute(async (trx) => {
        const made = { id, appId, name, ...ledger, filter, createdBy, now };
        const count = await createResultAudience(trx, made);
        if (count === 'gone') throw gone();
        if (count === 'unready') throw unready();
        await recordAuditEntry(trx, request, {
          detail: `${id} of ${request.params.id}: ${count} members`,
          now,
        });
        return count;
      });
      return reply.code(201).send({ id, name, version: 1, members });
    },
  });
}

function unready(): Problem {
  return new Problem(
    'conflict',
    'The devices of this push are not all prepared yet: save the audience later',
  );
}
