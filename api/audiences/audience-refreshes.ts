import { z } from 'zod';
import { findRefresh, startRefresh } from '../../db/audiences/audience-refresh.ts';
import { findAudience } from '../../db/audiences/audiences.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { AudienceRefresh } from './audience-schemas.ts';
import { createRefresher } from './refresher.ts';

/** The interval at which abandoned recounts are looked for. */
const LOOK_MS = 15_000;

export async function audienceRefreshRoutes(app: App, deps: ApiDeps): Promise<void> {
  const refresher = createRefresher(deps);
  const timer = setInterval(() => {
    refresher
      .takeOver()
      .catch((error: unknown) => deps.log.warn({ err: error }, 'taking over an abandoned recount failed'));
  }, LOOK_MS);
  timer.unref();
  app.addHook('onClose', async () => {
    clearInterval(timer);
    await refresher.close();
  });
  route(app, {
    method: 'POST',
    path: '/v1/audiences/:id/refresh',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.refreshAudience,
    schema: {
      operationId: 'refreshAudience',
      summary: 'Count the members of an audience again',
      tags: ['audiences'],
      description:
        'Counts the newest version again in the background. While a recount runs, the answer is its progress.',
      params: z.object({ id: z.string() }),
      response: { 202: AudienceRefresh },
    },
    problems: [404, 413, 415],
    handler: async (request, reply) => {
      const appId = appIdOf(request);
      const audience = await findAudience(deps.db, appId, request.params.id);
      if (audience === undefined) throw notFound('audience');
      const { id: audienceId, version, kind } = audience;
      const hold = await startRefresh(deps.db, { appId, audienceId, version, kind, now: await deps.clock() });
      const state = await findRefresh(deps.db, audienceId);
      if (state === undefined) throw notFound('audience');
      if (hold !== undefined) refresher.refresh(hold);
      return reply.code(202).send(state);
    },
  });
}
