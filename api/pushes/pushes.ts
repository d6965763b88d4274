import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IdParams } from '../http/schemas.ts';
import { pushOf } from './push-lookup.ts';
import { PushBody, renderPushes } from './push-view.ts';

export async function pushRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id',
    access: 'tasks.read',
    schema: {
      operationId: 'getPush',
      summary: 'Get a push',
      tags: ['pushes'],
      params: IdParams,
      response: { 200: PushBody },
    },
    problems: [404],
    handler: async (request) => {
      const [shown] = await renderPushes(deps, [await pushOf(deps, request)]);
      if (shown === undefined) throw notFound('push');
      return shown;
    },
  });
}
