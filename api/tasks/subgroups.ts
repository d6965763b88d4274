import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  changeSubgroup,
  deleteSubgroup,
  insertSubgroup,
  listSubgroups,
  MAX_DEPTH,
  type Subgroup,
  type SubgroupFault,
} from '../../db/tasks/subgroups.ts';
import { newId } from '../../domain/ids.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IdParams, IsoDate, Label } from '../http/schemas.ts';

const SubgroupBody = z
  .object({
    id: z.string(),
    name: z.string(),
    parentId: z.string().nullable(),
    /** The names on the path from the root to this subgroup. */
    path: z.array(z.string()),
    /** The number of tasks directly in the subgroup. */
    tasks: z.int(),
    createdAt: IsoDate,
  })
  .meta({ id: 'Subgroup' });
const Parent = z.string().max(100).nullable();
const NewSubgroup = z.strictObject({ name: Label(100), parentId: Parent.default(null) });
const SubgroupChange = z.strictObject({ name: Label(100).optional(), parentId: Parent.optional() });

const tags = ['subgroups'] as const;

export async function subgroupRoutes(app: App, deps: ApiDeps): Promise<void> {
  listSubgroupsRoute(app, deps);
  createSubgroupRoute(app, deps);
  changeSubgroupRoute(app, deps);
  deleteSubgroupRoute(app, deps);
}

function listSubgroupsRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/subgroups',
    access: 'tasks.read',
    schema: {
      operationId: 'listSubgroups',
      summary: 'List subgroups',
      description: 'The whole tree of subgroups, each after its parent.',
      tags,
      response: { 200: z.object({ items: z.array(SubgroupBody) }) },
    },
    handler: async (request) => ({ items: await listSubgroups(deps.db, { appId: appIdOf(request) }) }),
  });
}

function createSubgroupRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/subgroups',
    access: 'subgroups.change',
    audit: AUDIT_ACTIONS.createSubgroup,
    idempotent: true,
    schema: {
      operationId: 'createSubgroup',
      summary: 'Create a subgroup',
      example: { name: 'Spring' },
      tags,
      body: NewSubgroup.meta({ id: 'NewSubgroup' }),
      response: { 201: SubgroupBody },
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const { appId, personId } = personOf(request);
      const now = await deps.clock();
      const id = newId('subgroup', randomBytes);
      await deps.db.transaction().execute(async (trx) => {
        const fault = await insertSubgroup(trx, { ...request.body, appId, id, personId, now });
        if (fault !== undefined) throw problemOf(fault);
        await recordAuditEntry(trx, request, { detail: `${id}: ${request.body.name}`, now });
      });
      return reply.code(201).send(await subgroupOf(deps, appId, id));
    },
  });
}

function changeSubgroupRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PATCH',
    path: '/v1/subgroups/:id',
    access: 'subgroups.change',
    audit: AUDIT_ACTIONS.changeSubgroup,
    schema: {
      operationId: 'changeSubgroup',
      summary: 'Rename or move a subgroup',
      example: { name: 'Summer' },
      description: 'Renames the subgroup, or moves it with everything in it.',
      tags,
      params: IdParams,
      body: SubgroupChange.meta({ id: 'SubgroupChange' }),
      response: { 200: SubgroupBody },
    },
    problems: [404, 409],
    handler: async (request) => {
      const { appId } = personOf(request);
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const fault = await changeSubgroup(trx, { ...request.body, appId, id, now });
        if (fault !== undefined) throw problemOf(fault);
        await recordAuditEntry(trx, request, { detail: `${id}: ${JSON.stringify(request.body)}`, now });
      });
      return await subgroupOf(deps, appId, id);
    },
  });
}

function deleteSubgroupRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/subgroups/:id',
    access: 'subgroups.change',
    audit: AUDIT_ACTIONS.deleteSubgroup,
    schema: {
      operationId: 'deleteSubgroup',
      summary: 'Delete an empty subgroup',
      description: 'Deletes the subgroup, which must contain no task and no other subgroup.',
      tags,
      params: IdParams,
      response: { 204: z.null() },
    },
    problems: [404, 409],
    handler: async (request, reply) => {
      const { appId } = personOf(request);
      const { id } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const fault = await deleteSubgroup(trx, { appId, id });
        if (fault !== undefined) throw problemOf(fault);
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  });
}

async function subgroupOf(deps: ApiDeps, appId: string, id: string): Promise<Subgroup> {
  const [found] = await listSubgroups(deps.db, { appId, id });
  if (found === undefined) throw notFound('subgroup');
  return found;
}

function problemOf(fault: SubgroupFault): Problem {
  const at = (pointer: string, detail: string) =>
    new Problem('invalid_request', 'The subgroup is not valid', { errors: [{ pointer, detail }] });
  switch (fault) {
    case 'gone':
      return notFound('subgroup');
    case 'no_parent':
      return at('/parentId', 'there is no such subgroup');
    case 'loop':
      return at('/parentId', 'must not be this subgroup or one inside it');
    case 'too_deep':
      return at('/parentId', `would make the tree deeper than ${MAX_DEPTH} levels`);
    case 'name_taken':
      return new Problem('conflict', 'A subgroup with this name already exists in this parent');
    case 'not_empty':
      return new Problem(
        'conflict',
        'The subgroup contains tasks or other subgroups: move or delete them first',
      );
  }
}
