import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  findAudience,
  insertAudienceOfAll,
  listAudiences,
  listAudienceVersions,
} from '../../db/audiences.ts';
import { newId } from '../../domain/ids.ts';
import type { App } from '../app.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IsoDate, Label, Page, PageQuery } from '../schemas.ts';

const fields = {
  id: z.string(),
  name: z.string(),
  kind: z.enum(['upload', 'all', 'result']),
  version: z.number(),
  /** Null where members are decided when the audience is used. */
  members: z.number().nullable(),
  createdBy: z.string(),
  createdAt: IsoDate,
};
const AudienceBody = z.object(fields).meta({ id: 'Audience' });
const AudienceVersion = z
  .object({
    version: fields.version,
    members: fields.members,
    source: z.record(z.string(), z.unknown()),
    createdBy: fields.createdBy,
    createdAt: IsoDate,
  })
  .meta({ id: 'AudienceVersion' });
const AudienceDetails = z
  .object({ ...fields, versions: z.array(AudienceVersion) })
  .meta({ id: 'AudienceDetails' });

export async function audienceRoutes(app: App, deps: ApiDeps): Promise<void> {
  const { db } = deps;
  app.post(
    '/v1/audiences',
    {
      ...idempotent(deps),
      onRequest: app.guard.may('audiences.change'),
      schema: {
        ...PERSON,
        operationId: 'createAudience',
        body: z.strictObject({ name: Label(100), kind: z.literal('all') }).meta({ id: 'NewAudience' }),
        response: { 201: AudienceBody, ...problemResponses(409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { appId, personId: by } = personOf(request);
      const id = newId('audience', randomBytes);
      await insertAudienceOfAll(db, { id, appId, name: request.body.name, by, now: await deps.clock() });
      const made = await findAudience(db, appId, id);
      if (made === undefined) throw notFound('audience');
      return reply.code(201).send(made);
    },
  );

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
        params: z.object({ id: z.string() }),
        response: { 200: AudienceDetails, ...problemResponses(404) },
      },
    },
    async (request) => {
      const found = await findAudience(db, appIdOf(request), request.params.id);
      if (found === undefined) throw notFound('audience');
      return { ...found, versions: await listAudienceVersions(db, found) };
    },
  );
}
