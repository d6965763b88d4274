import { z } from 'zod';
import { findRevisions } from '../../db/tasks/task-revisions.ts';
import { changesOf } from '../../domain/tasks/task-changes.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { IdParams, IsoDate } from '../http/schemas.ts';
import { Change } from './task-changes-view.ts';
import { taskOf } from './task-lookup.ts';

const No = z.coerce.number().int().positive().max(1_000_000);
const Query = z.strictObject({
  from: No.meta({ examples: [1] }),
  to: No.meta({ examples: [2] }),
});
const Side = z.object({ revision: z.int(), madeBy: z.string(), madeAt: IsoDate });
const Differences = z
  .object({ from: Side, to: Side, changes: z.array(Change) })
  .meta({ id: 'TaskDifferences' });

export async function taskRevisionRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/differences',
    access: 'tasks.read',
    schema: {
      operationId: 'compareTaskRevisions',
      summary: 'Compare two revisions of a task',
      tags: ['tasks'],
      description: 'The differences between any two revisions. A revision holds material fields only.',
      params: IdParams,
      querystring: Query,
      response: { 200: Differences },
    },
    problems: [404],
    handler: async (request) => {
      const { id: taskId } = await taskOf(deps, request);
      const { from: older, to: newer } = request.query;
      const revisions = await findRevisions(deps.db, { taskId, revisions: [older, newer] });
      const [from, to] = [older, newer].map((no) => revisions.find(({ revision }) => revision === no));
      if (from === undefined || to === undefined) {
        throw new Problem('not_found', `The task has no revision ${from === undefined ? older : newer}`);
      }
      return { from, to, changes: changesOf(from.definition, to.definition) };
    },
  });
}
