import type { ApiDeps, App } from '../deps.ts';
import { notFound, problemResponses } from '../problem.ts';
import { pushOf } from '../push-lookup.ts';
import { PushBody, renderPushes } from '../push-view.ts';
import { readingById } from '../task-lookup.ts';

export async function pushRoutes(app: App, deps: ApiDeps): Promise<void> {
  app.get(
    '/v1/pushes/:id',
    readingById(app, {
      operationId: 'getPush',
      tags: ['pushes'],
      response: { 200: PushBody, ...problemResponses(404) },
    }),
    async (request) => {
      const [shown] = await renderPushes(deps, [await pushOf(deps, request)]);
      if (shown === undefined) throw notFound('push');
      return shown;
    },
  );
}
