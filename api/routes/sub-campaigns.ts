import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  deleteSubCampaign,
  findSubCampaign,
  insertSubCampaign,
  listSubCampaigns,
  renameSubCampaign,
  type SubCampaign,
} from '../../db/sub-campaigns.ts';
import { newId } from '../../domain/ids.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { IdParams, IsoDate, Label, Page, PageQuery } from '../schemas.ts';

const SubCampaignBody = z
  .object({
    id: z.string(),
    name: z.string(),
    /** How many tasks serve it. */
    tasks: z.int(),
    createdBy: z.string(),
    createdAt: IsoDate,
  })
  .meta({ id: 'SubCampaign' });
const Named = z.strictObject({ name: Label(200) }).meta({ id: 'NewSubCampaign' });

const tags = ['sub-campaigns'];

export async function subCampaignRoutes(app: App, deps: ApiDeps): Promise<void> {
  reading(app, deps);
  changing(app, deps);
}

function reading(app: App, deps: ApiDeps): void {
  app.get(
    '/v1/sub-campaigns',
    {
      onRequest: app.guard.may('tasks.read'),
      schema: {
        operationId: 'listSubCampaigns',
        tags,
        ...PERSON,
        querystring: PageQuery,
        response: { 200: Page(SubCampaignBody), ...problemResponses() },
      },
    },
    async (request) => listSubCampaigns(deps.db, appIdOf(request), request.query),
  );
}

function changing(app: App, deps: ApiDeps): void {
  const route = { onRequest: app.guard.may('sub_campaigns.change') };

  app.post(
    '/v1/sub-campaigns',
    {
      ...route,
      ...idempotent(deps),
      schema: {
        operationId: 'createSubCampaign',
        tags,
        ...PERSON,
        body: Named,
        response: { 201: SubCampaignBody, ...problemResponses(409, 422) },
      },
    },
    async (request, reply) => {
      const { appId, personId } = personOf(request);
      const { name } = request.body;
      const id = newId('subcampaign', randomBytes);
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        if (!(await insertSubCampaign(trx, { appId, id, name, personId, now }))) throw nameTaken();
        await recordAuditEntry(trx, request, { detail: `${id}: ${name}`, now });
      });
      return reply.code(201).send(await subCampaignOf(deps, appId, id));
    },
  );

  app.patch(
    '/v1/sub-campaigns/:id',
    {
      ...route,
      schema: {
        operationId: 'renameSubCampaign',
        tags,
        ...PERSON,
        params: IdParams,
        body: Named,
        response: { 200: SubCampaignBody, ...problemResponses(404, 409) },
      },
    },
    async (request) => {
      const { appId } = personOf(request);
      const { id } = request.params;
      const { name } = request.body;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const renamed = await renameSubCampaign(trx, { appId, id, name });
        if (renamed === 'gone') throw notFound('sub-campaign');
        if (renamed === 'taken') throw nameTaken();
        await recordAuditEntry(trx, request, { detail: `${id}: ${name}`, now });
      });
      return await subCampaignOf(deps, appId, id);
    },
  );

  app.delete(
    '/v1/sub-campaigns/:id',
    {
      ...route,
      schema: {
        operationId: 'deleteSubCampaign',
        description: 'Tasks that serve it stay, and serve it no more.',
        tags,
        ...PERSON,
        params: IdParams,
        response: { 204: z.null(), ...problemResponses(404) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const isGone = await deleteSubCampaign(trx, { appId: appIdOf(request), id });
        if (!isGone) throw notFound('sub-campaign');
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  );
}

async function subCampaignOf(deps: ApiDeps, appId: string, id: string): Promise<SubCampaign> {
  const found = await findSubCampaign(deps.db, { appId, id });
  if (found === undefined) throw notFound('sub-campaign');
  return found;
}

function nameTaken(): Problem {
  return new Problem('conflict', 'There is a sub-campaign of this name');
}
