import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  deleteSubCampaign,
  findSubCampaign,
  insertSubCampaign,
  listSubCampaigns,
  renameSubCampaign,
  type SubCampaign,
} from '../../db/tasks/sub-campaigns.ts';
import { newId } from '../../domain/ids.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IdParams, IsoDate, Label, Page, PageQuery } from '../http/schemas.ts';

const SubCampaignBody = z
  .object({
    id: z.string(),
    name: z.string(),
    /** The number of tasks that serve the sub-campaign. */
    tasks: z.int(),
    createdBy: z.string(),
    createdAt: IsoDate,
  })
  .meta({ id: 'SubCampaign' });
const Named = z.strictObject({ name: Label(200) }).meta({ id: 'NewSubCampaign' });

const tags = ['sub-campaigns'] as const;

export async function subCampaignRoutes(app: App, deps: ApiDeps): Promise<void> {
  listSubCampaignsRoute(app, deps);
  createSubCampaignRoute(app, deps);
  renameSubCampaignRoute(app, deps);
  deleteSubCampaignRoute(app, deps);
}

function listSubCampaignsRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/sub-campaigns',
    access: 'tasks.read',
    schema: {
      operationId: 'listSubCampaigns',
      summary: 'List sub-campaigns',
      tags,
      querystring: PageQuery,
      response: { 200: Page(SubCampaignBody) },
    },
    handler: async (request) => listSubCampaigns(deps.db, appIdOf(request), request.query),
  });
}

function createSubCampaignRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/sub-campaigns',
    access: 'sub_campaigns.change',
    audit: AUDIT_ACTIONS.createSubCampaign,
    idempotent: true,
    schema: {
      operationId: 'createSubCampaign',
      summary: 'Create a sub-campaign',
      example: { name: 'Spring sale' },
      tags,
      body: Named,
      response: { 201: SubCampaignBody },
    },
    problems: [409, 422],
    handler: async (request, reply) => {
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
  });
}

function renameSubCampaignRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PATCH',
    path: '/v1/sub-campaigns/:id',
    access: 'sub_campaigns.change',
    audit: AUDIT_ACTIONS.renameSubCampaign,
    schema: {
      operationId: 'renameSubCampaign',
      summary: 'Rename a sub-campaign',
      example: { name: 'Summer sale' },
      tags,
      params: IdParams,
      body: Named,
      response: { 200: SubCampaignBody },
    },
    problems: [404, 409],
    handler: async (request) => {
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
  });
}

function deleteSubCampaignRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/sub-campaigns/:id',
    access: 'sub_campaigns.change',
    audit: AUDIT_ACTIONS.deleteSubCampaign,
    schema: {
      operationId: 'deleteSubCampaign',
      summary: 'Delete a sub-campaign',
      description: 'Deletes the sub-campaign. Its tasks are kept and lose the link to it.',
      tags,
      params: IdParams,
      response: { 204: z.null() },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const isGone = await deleteSubCampaign(trx, { appId: appIdOf(request), id });
        if (!isGone) throw notFound('sub-campaign');
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  });
}

async function subCampaignOf(deps: ApiDeps, appId: string, id: string): Promise<SubCampaign> {
  const found = await findSubCampaign(deps.db, { appId, id });
  if (found === undefined) throw notFound('sub-campaign');
  return found;
}

function nameTaken(): Problem {
  return new Problem('conflict', 'A sub-campaign with this name already exists');
}
