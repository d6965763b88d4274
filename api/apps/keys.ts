import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findApp } from '../../db/apps/apps.ts';
import { insertKey, listKeys, revokeKey } from '../../db/apps/keys.ts';
import { insertPerson } from '../../db/apps/people.ts';
import { newId } from '../../domain/ids.ts';
import { ROLES } from '../../domain/role.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { newSecret } from '../access/secrets.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IsoDate, Label, Page, PageQuery } from '../http/schemas.ts';

const NewKey = z
  .discriminatedUnion('role', [
    z.strictObject({ role: z.enum(ROLES), name: Label(100) }),
    z.strictObject({ role: z.literal('sdk') }),
  ])
  .meta({ id: 'NewKey' });

const Role = z.enum([...ROLES, 'sdk']);
const KeyMade = z
  .object({ id: z.string(), role: Role, personId: z.string().nullable(), key: z.string() })
  .meta({ id: 'KeyMade' });
const Key = z
  .object({
    id: z.string(),
    role: Role,
    personId: z.string().nullable(),
    name: z.string().nullable(),
    createdAt: IsoDate,
    revokedAt: IsoDate.nullable(),
  })
  .meta({ id: 'Key' });

export async function keyRoutes(app: App, deps: ApiDeps): Promise<void> {
  createKeyRoute(app, deps);
  listKeysRoute(app, deps);
  revokeKeyRoute(app, deps);
}

function createKeyRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/apps/:appId/keys',
    access: 'admin',
    audit: AUDIT_ACTIONS.createKey,
    idempotent: true,
    schema: {
      operationId: 'createKey',
      summary: 'Create a key for a person or an SDK',
      example: { role: 'marketer', name: 'Mei Chen' },
      tags: ['keys'],
      params: z.object({ appId: z.string() }),
      body: NewKey,
      response: { 201: KeyMade },
    },
    problems: [404, 409, 413, 415, 422],
    handler: async (request, reply) => {
      if ((await findApp(deps.db, request.params.appId)) === undefined) throw notFound('app');
      return reply.code(201).send(await makeKey(deps, request, request.params.appId, request.body));
    },
  });
}

function listKeysRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/keys',
    access: 'keys.read',
    schema: {
      operationId: 'listKeys',
      summary: 'List keys',
      tags: ['keys'],
      querystring: PageQuery,
      response: { 200: Page(Key) },
    },
    handler: async (request) => listKeys(deps.db, personOf(request).appId, request.query),
  });
}

function revokeKeyRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/keys/:id',
    access: 'keys.revoke',
    audit: AUDIT_ACTIONS.revokeKey,
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke a key',
      tags: ['keys'],
      params: z.object({ id: z.string() }),
      response: { 204: z.null() },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { appId } = personOf(request);
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        if (!(await revokeKey(trx, { appId, id, now }))) throw notFound('key');
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      app.guard.forget();
      return reply.code(204).send(null);
    },
  });
}

/** Creates the person and the key together or not at all. The key itself is shown only in this answer. */
async function makeKey(
  deps: ApiDeps,
  request: FastifyRequest,
  appId: string,
  wanted: z.infer<typeof NewKey>,
) {
  const createdAt = await deps.clock();
  const id = newId('key', randomBytes);
  const key = newSecret('sbk');
  const personId = wanted.role === 'sdk' ? null : newId('person', randomBytes);
  await deps.db.transaction().execute(async (trx) => {
    if (wanted.role !== 'sdk' && personId !== null) {
      await insertPerson(trx, { id: personId, appId, name: wanted.name, role: wanted.role, createdAt });
    }
    await insertKey(trx, { id, appId, key, personId, createdAt });
    const holder = personId === null ? '' : `, ${personId}`;
    await recordAuditEntry(trx, request, { appId, detail: `${id}: ${wanted.role}${holder}`, now: createdAt });
  });
  return { id, role: wanted.role, personId, key };
}
