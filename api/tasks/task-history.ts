import { z } from 'zod';
import { listAudit } from '../../db/audit/audit.ts';
import { listDecisions, listPushes } from '../../db/tasks/task-history.ts';
import { listRevisions } from '../../db/tasks/task-revisions.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { personOf } from '../access/auth.ts';
import { isPermitted } from '../access/permissions.ts';
import { route } from '../access/route.ts';
import { AuditLine } from '../audit/audit-view.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { decodePlace, toNumberedPage } from '../http/number-cursor.ts';
import { IdParams, IsoDate, Page, PageQuery } from '../http/schemas.ts';
import { PushBody, renderPushes } from '../pushes/push-view.ts';
import { taskOf } from './task-lookup.ts';

const Revision = z
  .object({ revision: z.int(), madeBy: z.string(), madeAt: IsoDate, definition: TaskDefinition })
  .meta({ id: 'TaskRevision' });
const Decision = z
  .object({
    personId: z.string(),
    personName: z.string(),
    /** The number of the submission, which grows with each submit. */
    submission: z.int(),
    revision: z.int(),
    decision: z.enum(['approve', 'reject']),
    /** `api`, `signal` for a signal with a code, or `claimed` for a name that a signal gave without proof. */
    via: z.enum(['api', 'signal', 'claimed']),
    remark: z.string().nullable(),
    decidedAt: IsoDate,
  })
  .meta({ id: 'Decision' });

const tags = ['tasks'] as const;

export async function taskHistoryRoutes(app: App, deps: ApiDeps): Promise<void> {
  wholeLists(app, deps);
  pagedLists(app, deps);
}

function wholeLists(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/revisions',
    access: 'tasks.read',
    schema: {
      operationId: 'listTaskRevisions',
      summary: 'List the revisions of a task',
      tags,
      params: IdParams,
      response: { 200: z.object({ items: z.array(Revision) }) },
    },
    problems: [404],
    handler: async (request) => {
      const task = await taskOf(deps, request);
      return { items: await listRevisions(deps.db, { taskId: task.id }) };
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/decisions',
    access: 'tasks.read',
    schema: {
      operationId: 'listTaskDecisions',
      summary: 'List the approvals and rejections of a task',
      tags: ['approval'],
      params: IdParams,
      response: { 200: z.object({ items: z.array(Decision) }) },
    },
    problems: [404],
    handler: async (request) => {
      const task = await taskOf(deps, request);
      return { items: await listDecisions(deps.db, { taskId: task.id }) };
    },
  });
}

function pagedLists(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/audit',
    access: 'tasks.read',
    schema: {
      operationId: 'listTaskAudit',
      summary: 'List everything that happened to a task',
      tags,
      params: IdParams,
      querystring: PageQuery,
      response: { 200: Page(AuditLine) },
    },
    problems: [404],
    handler: async (request) => {
      const task = await taskOf(deps, request);
      const { limit, cursor } = request.query;
      const before = decodePlace(cursor);
      const filter = { appId: task.appId, taskId: task.id };
      const rows = await listAudit(deps.db, filter, { before, limit: limit + 1 });
      const page = toNumberedPage(rows, limit, (line) => line.no);
      if (isPermitted(personOf(request).role, 'audit.read')) return page;
      // Origins of requests are shown only to roles that may read the whole audit.
      const items = page.items.map((line) => ({ ...line, ip: null, userAgent: null, keyId: null }));
      return { ...page, items };
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/pushes',
    access: 'tasks.read',
    schema: {
      operationId: 'listTaskPushes',
      summary: 'List the pushes of a task',
      tags,
      params: IdParams,
      querystring: PageQuery,
      response: { 200: Page(PushBody) },
    },
    problems: [404],
    handler: async (request) => {
      const task = await taskOf(deps, request);
      const { limit, cursor } = request.query;
      const rows = await listPushes(deps.db, {
        taskId: task.id,
        before: decodePlace(cursor),
        limit: limit + 1,
      });
      const page = toNumberedPage(rows, limit, (push) => push.seq);
      return { items: await renderPushes(deps, page.items), nextCursor: page.nextCursor };
    },
  });
}
