import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { insertVendorKey, listVendorKeys, revokeVendorKey } from '../../db/apps/vendor-keys.ts';
import { listCallbacks } from '../../db/receipts/receipt-inbox.ts';
import { newId } from '../../domain/ids.ts';
import { newWebhookSecret } from '../../security/standard-webhooks.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { decodePlace, toNumberedPage } from '../http/number-cursor.ts';
import { notFound } from '../http/problem.ts';
import { IsoDate, Label, Page, PageQuery } from '../http/schemas.ts';

const VendorKey = z
  .object({
    id: z.string(),
    name: z.string(),
    createdBy: z.string(),
    createdAt: IsoDate,
    revokedAt: IsoDate.nullable(),
  })
  .meta({ id: 'VendorKey' });
const NewVendorKey = z.strictObject({ name: Label(100) }).meta({ id: 'NewVendorKey' });
const VendorKeyMade = z
  .object({
    id: z.string(),
    name: z.string(),
    /** The secret that signs callbacks, shown only in this answer. */
    secret: z.string(),
    /** The path for the vendor's callbacks. */
    path: z.string(),
  })
  .meta({ id: 'VendorKeyMade' });
const Callback = z
  .object({
    keyId: z.string(),
    callbackId: z.string(),
    receivedAt: IsoDate,
    doneAt: IsoDate.nullable(),
    /** The number of receipts by result, `unreadable` being an invalid body. Null until the body is read. */
    outcome: z.record(z.string(), z.int()).nullable(),
  })
  .meta({ id: 'VendorCallback' });

const tags = ['receipts'] as const;

export async function vendorKeyRoutes(app: App, deps: ApiDeps): Promise<void> {
  keyChanges(app, deps);
  reads(app, deps);
}

function keyChanges(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/app/vendor-keys',
    access: 'credentials.change',
    audit: AUDIT_ACTIONS.createVendorKey,
    idempotent: true,
    schema: {
      operationId: 'createVendorKey',
      summary: 'Create a key for callbacks of a vendor',
      example: { name: 'Vendor' },
      tags,
      body: NewVendorKey,
      response: { 201: VendorKeyMade },
    },
    problems: [409, 422],
    handler: async (request, reply) => {
      const { appId, personId: createdBy } = personOf(request);
      const id = newId('vendorkey', randomBytes);
      const secret = newWebhookSecret();
      const { name } = request.body;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        await insertVendorKey(trx, { id, appId, name, sealed: deps.vault.seal(secret), createdBy, now });
        await recordAuditEntry(trx, request, { detail: `${id}: ${name}`, now });
      });
      return reply.code(201).send({ id, name, secret, path: `/v1/callbacks/${id}/receipts` });
    },
  });

  route(app, {
    method: 'DELETE',
    path: '/v1/app/vendor-keys/:id',
    access: 'credentials.change',
    audit: AUDIT_ACTIONS.revokeVendorKey,
    schema: {
      operationId: 'revokeVendorKey',
      summary: 'Revoke a vendor key',
      tags,
      params: z.object({ id: z.string().max(100) }),
      response: { 204: z.null() },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const isFound = await revokeVendorKey(trx, { appId: personOf(request).appId, id, now });
        if (!isFound) throw notFound('vendor key');
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  });
}

function reads(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/app/vendor-keys',
    access: 'credentials.read',
    schema: {
      operationId: 'listVendorKeys',
      summary: 'List vendor keys',
      tags,
      response: { 200: z.object({ items: z.array(VendorKey) }) },
    },
    handler: async (request) => ({
      items: await listVendorKeys(deps.db, { appId: personOf(request).appId }),
    }),
  });

  route(app, {
    method: 'GET',
    path: '/v1/callbacks',
    access: 'credentials.read',
    schema: {
      operationId: 'listVendorCallbacks',
      summary: 'List the callbacks of vendors',
      tags,
      querystring: PageQuery,
      response: { 200: Page(Callback) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const { appId } = personOf(request);
      const rows = await listCallbacks(deps.db, { appId, before: decodePlace(cursor), limit: limit + 1 });
      return toNumberedPage(rows, limit, (row) => row.no);
    },
  });
}
