import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { archiveAudience } from '../../db/audience-archive.ts';
import { findRefresh } from '../../db/audience-refresh.ts';
import {
  findAudience,
  insertAudience,
  insertNextVersion,
  listAudiences,
  listAudienceVersions,
} from '../../db/audiences.ts';
import { newId } from '../../domain/ids.ts';
import { definitionOf, pinnedDefinition } from '../audience-definition.ts';
import { AudienceBody, AudienceChange, AudienceDetails, NewAudience } from '../audience-schemas.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { Page, PageQuery } from '../schemas.ts';

const params = z.object({ id: z.string() });

export async function audienceRoutes(app: App, deps: ApiDeps): Promise<void> {
  making(app, deps);
  reading(app, deps);
  archiving(app, deps);
}

function making(app: App, deps: ApiDeps): void {
  const { db } = deps;
  app.post(
    '/v1/audiences',
    {
      ...idempotent(deps),
      onRequest: app.guard.may('audiences.change'),
      schema: {
        ...PERSON,
        operationId: 'createAudience',
        body: NewAudience,
        response: { 201: AudienceBody, ...problemResponses(409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { appId, personId: by } = personOf(request);
      const { name, kind, ...said } = request.body;
      const definition = definitionOf(said);
      const source = definition === undefined ? {} : await pinnedDefinition(deps, { appId, definition });
      const id = newId('audience', randomBytes);
      const now = await deps.clock();
      await db.transaction().execute(async (trx) => {
        await insertAudience(trx, { id, appId, name, kind, source, by, now });
        await recordAuditEntry(trx, request, { detail: `${id}: ${kind}`, now });
      });
      return reply.code(201).send(await found(deps, appId, id));
    },
  );

  app.put(
    '/v1/audiences/:id',
    {
      onRequest: app.guard.may('audiences.change'),
      schema: {
        ...PERSON,
        operationId: 'changeAudience',
        description: 'The next version. Tasks and audiences that name an older one keep it.',
        params,
        body: AudienceChange,
        response: { 200: AudienceBody, ...problemResponses(404, 409, 413, 415) },
      },
    },
    async (request) => {
      const { appId, personId: by } = personOf(request);
      const { id } = request.params;
      const { kind } = await found(deps, appId, id);
      const definition = definitionOf(request.body);
      if (definition === undefined || !(kind in definition)) {
        throw new Problem('not_allowed_now', `The audience is of the kind ${kind}, and stays of it`);
      }
      const source = await pinnedDefinition(deps, { appId, definition, self: id });
      const as = 'rule' in source ? 'rule' : 'combination';
      const now = await deps.clock();
      await db.transaction().execute(async (trx) => {
        const version = await insertNextVersion(trx, { id, appId, kind: as, source, by, now });
        if (version === undefined) throw notFound('audience');
        await recordAuditEntry(trx, request, { detail: `${id}, version ${version}`, now });
      });
      return await found(deps, appId, id);
    },
  );
}

function reading(app: App, { db, ...deps }: ApiDeps): void {
  app.get(
    '/v1/audiences',
    {
      onRequest: app.guard.may('audiences.read'),
      schema: {
        ...PERSON,
        operationId: 'listAudiences',
        querystring: PageQuery,
        response: { 200: Page(AudienceBody), ...problemResponses() },
      },
    },
    async (request) => listAudiences(db, appIdOf(request), request.query),
  );

  app.get(
    '/v1/audiences/:id',
    {
      onRequest: app.guard.may('audiences.read'),
      schema: {
        ...PERSON,
        operationId: 'getAudience',
        params,
        response: { 200: AudienceDetails, ...problemResponses(404) },
      },
    },
    async (request) => {
      const audience = await found({ db, ...deps }, appIdOf(request), request.params.id);
      const refresh = (await findRefresh(db, audience.id)) ?? null;
      return { ...audience, versions: await listAudienceVersions(db, audience), refresh };
    },
  );
}

function archiving(app: App, deps: ApiDeps): void {
  app.delete(
    '/v1/audiences/:id',
    {
      onRequest: app.guard.may('audiences.change'),
      schema: {
        ...PERSON,
        operationId: 'archiveAudience',
        params,
        response: { 204: z.null(), ...problemResponses(404, 409) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const archived = await archiveAudience(trx, { appId: appIdOf(request), id, now });
        if (archived === undefined) throw notFound('audience');
        if (!archived.ok) throw new Problem('conflict', `It is used by ${archived.usedBy.join(', ')}`);
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  );
}

async function found({ db }: Pick<ApiDeps, 'db'>, appId: string, id: string) {
  const audience = await findAudience(db, appId, id);
  if (audience === undefined) throw notFound('audience');
  return audience;
}
