import { z } from 'zod';
import { listAudit, listDecisions, listPushes } from '../../db/task-history.ts';
import { listRevisions } from '../../db/task-revisions.ts';
import { TaskDefinition } from '../../domain/task-definition.ts';
import type { App } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { decodePlace, toNumberedPage } from '../number-cursor.ts';
import { problemResponses } from '../problem.ts';
import { PushBody, renderPushes } from '../push-view.ts';
import { IsoDate, Page, PageQuery } from '../schemas.ts';
import { IdParams, taskOf } from '../task-lookup.ts';

const Revision = z
  .object({ revision: z.int(), madeBy: z.string(), madeAt: IsoDate, definition: TaskDefinition })
  .meta({ id: 'TaskRevision' });
const AuditLine = z
  .object({
    at: IsoDate,
    personId: z.string().nullable(),
    personName: z.string().nullable(),
    verb: z.string(),
    via: z.string(),
    revision: z.int().nullable(),
    outcome: z.enum(['done', 'ignored']),
    detail: z.string().nullable(),
    remark: z.string().nullable(),
  })
  .meta({ id: 'AuditLine' });
const Decision = z
  .object({
    personId: z.string(),
    personName: z.string(),
    revision: z.int(),
    decision: z.enum(['approve', 'reject']),
    /** `api`, `signal` with a code, or a name that a signal merely claimed. */
    via: z.enum(['api', 'signal', 'claimed']),
    remark: z.string().nullable(),
    decidedAt: IsoDate,
  })
  .meta({ id: 'Decision' });

const security = [{ person: [] }];

export async function taskHistoryRoutes(app: App, deps: ApiDeps): Promise<void> {
  const read = (operationId: string) => ({
    onRequest: app.guard.may('tasks.read'),
    schema: { operationId, tags: ['tasks'], security, params: IdParams },
  });
  const revisions = read('listTaskRevisions');
  app.get(
    '/v1/tasks/:id/revisions',
    {
      ...revisions,
      schema: {
        ...revisions.schema,
        response: { 200: z.object({ items: z.array(Revision) }), ...problemResponses(404) },
      },
    },
    async (request) => {
      const task = await taskOf(deps, request);
      return { items: await listRevisions(deps.db, { taskId: task.id }) };
    },
  );

  const decisions = read('listTaskDecisions');
  app.get(
    '/v1/tasks/:id/decisions',
    {
      ...decisions,
      schema: {
        ...decisions.schema,
        response: { 200: z.object({ items: z.array(Decision) }), ...problemResponses(404) },
      },
    },
    async (request) => {
      const task = await taskOf(deps, request);
      return { items: await listDecisions(deps.db, { taskId: task.id, submission: task.submission }) };
    },
  );

  const audit = read('listTaskAudit');
  app.get(
    '/v1/tasks/:id/audit',
    {
      ...audit,
      schema: {
        ...audit.schema,
        querystring: PageQuery,
        response: { 200: Page(AuditLine), ...problemResponses(404) },
      },
    },
    async (request) => {
      const task = await taskOf(deps, request);
      const { limit, cursor } = request.query;
      const rows = await listAudit(deps.db, {
        taskId: task.id,
        before: decodePlace(cursor),
        limit: limit + 1,
      });
      return toNumberedPage(rows, limit, (line) => line.no);
    },
  );

  const pushes = read('listTaskPushes');
  app.get(
    '/v1/tasks/:id/pushes',
    {
      ...pushes,
      schema: {
        ...pushes.schema,
        querystring: PageQuery,
        response: { 200: Page(PushBody), ...problemResponses(404) },
      },
    },
    async (request) => {
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
  );
}
