import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { archiveAudience } from '../../db/audiences/audience-archive.ts';
import { findRefresh } from '../../db/audiences/audience-refresh.ts';
import {
  findAudience,
  insertAudience,
  insertNextVersion,
  listAudiences,
  listAudienceVersions,
} from '../../db/audiences/audiences.ts';
import { newId } from '../../domain/ids.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { Page, PageQuery } from '../http/schemas.ts';
import { definitionOf, pinnedDefinition } from './audience-definition.ts';
import { AudienceBody, AudienceChange, AudienceDetails, NewAudience } from './audience-schemas.ts';

const params = z.object({ id: z.string() });

export async function audienceRoutes(app: App, deps: ApiDeps): Promise<void> {
  createAudienceRoute(app, deps);
  changeAudienceRoute(app, deps);
  reading(app, deps);
  archiving(app, deps);
}

function createAudienceRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/audiences',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.createAudience,
    idempotent: true,
    schema: {
      operationId: 'createAudience',
      summary: 'Create an audience',
      example: { name: 'Customers', kind: 'rule', rule: { field: 'tags', op: 'any', value: ['customer'] } },
      tags: ['audiences'],
      body: NewAudience,
      response: { 201: AudienceBody },
    },
    problems: [409, 413, 415, 422],
    handler: async (request, reply) => {
      const { appId, personId: by } = personOf(request);
      const { name, kind, ...given } = request.body;
      const definition = definitionOf(given);
      const source = definition === undefined ? {} : await pinnedDefinition(deps, { appId, definition });
      const id = newId('audience', randomBytes);
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        await insertAudience(trx, { id, appId, name, kind, source, by, now });
        await recordAuditEntry(trx, request, { detail: `${id}: ${kind}`, now });
      });
      return reply.code(201).send(await found(deps, appId, id));
    },
  });
}

function changeAudienceRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PUT',
    path: '/v1/audiences/:id',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.changeAudience,
    schema: {
      operationId: 'changeAudience',
      summary: 'Change the definition of an audience',
      example: { rule: { field: 'lastActive', op: 'within', days: 30 } },
      tags: ['audiences'],
      description: 'Creates the next version. Tasks and audiences that name an older version keep it.',
      params,
      body: AudienceChange,
      response: { 200: AudienceBody },
    },
    problems: [404, 409, 413, 415],
    handler: async (request) => {
      const { appId, personId: by } = personOf(request);
      const { id } = request.params;
      const { kind } = await found(deps, appId, id);
      const definition = definitionOf(request.body);
      if (definition === undefined || !(kind in definition)) {
        throw new Problem(
          'not_allowed_now',
          `The kind of an audience cannot change; this audience has the kind ${kind}`,
        );
      }
      const source = await pinnedDefinition(deps, { appId, definition, self: id });
      const as = 'rule' in source ? 'rule' : 'combination';
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const version = await insertNextVersion(trx, { id, appId, kind: as, source, by, now });
        if (version === undefined) throw notFound('audience');
        await recordAuditEntry(trx, request, { detail: `${id}, version ${version}`, now });
      });
      return await found(deps, appId, id);
    },
  });
}

function reading(app: App, { db, ...deps }: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/audiences',
    access: 'audiences.read',
    schema: {
      operationId: 'listAudiences',
      summary: 'List audiences',
      tags: ['audiences'],
      querystring: PageQuery,
      response: { 200: Page(AudienceBody) },
    },
    handler: async (request) => listAudiences(db, appIdOf(request), request.query),
  });

  route(app, {
    method: 'GET',
    path: '/v1/audiences/:id',
    access: 'audiences.read',
    schema: {
      operationId: 'getAudience',
      summary: 'Get an audience',
      tags: ['audiences'],
      params,
      response: { 200: AudienceDetails },
    },
    problems: [404],
    handler: async (request) => {
      const audience = await found({ db, ...deps }, appIdOf(request), request.params.id);
      const refresh = (await findRefresh(db, audience.id)) ?? null;
      return { ...audience, versions: await listAudienceVersions(db, audience), refresh };
    },
  });
}

function archiving(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/audiences/:id',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.archiveAudience,
    schema: {
      operationId: 'archiveAudience',
      summary: 'Archive an audience',
      tags: ['audiences'],
      params,
      response: { 204: z.null() },
    },
    problems: [404, 409],
    handler: async (request, reply) => {
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const archived = await archiveAudience(trx, { appId: appIdOf(request), id, now });
        if (archived === undefined) throw notFound('audience');
        if (!archived.ok)
          throw new Problem('conflict', `The audience is used by ${archived.usedBy.join(', ')}`);
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  });
}

async function found({ db }: Pick<ApiDeps, 'db'>, appId: string, id: string) {
  const audience = await findAudience(db, appId, id);
  if (audience === undefined) throw notFound('audience');
  return audience;
}
