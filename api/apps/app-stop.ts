import { z } from 'zod';
import { liftStop, stopApp } from '../../db/apps/app-stop.ts';
import { findApp } from '../../db/apps/apps.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { AppBody, renderApp } from './apps.ts';
import { resumeStopped, untilSendersStopped } from './notify-stopped.ts';

const Resumed = z
  .object({
    app: AppBody,
    /** Tasks that the stop had paused and that were told to resume. */
    resumed: z.array(z.string()),
    /** True when some tasks were not reached. Such tasks resume within five minutes, or on a repeated request. */
    pending: z.boolean(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'AppResumed' });

export async function appStopRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'POST',
    path: '/v1/app/stop',
    access: 'app.stop',
    audit: AUDIT_ACTIONS.stopApp,
    schema: {
      operationId: 'stopApp',
      summary: 'Stop all sending of the app at once',
      example: { reason: 'The price in the message is wrong' },
      tags: ['apps'],
      description:
        'The emergency stop. After the answer no request of any task of the app starts. The stop includes tasks ' +
        'that are approved later, and needs neither Temporal nor the workers. Repeating it changes nothing.',
      body: z.strictObject({ reason: PlainText(500) }).meta({ id: 'StopApp' }),
      response: { 200: AppBody },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { appId, personId } = personOf(request);
      const now = await deps.clock();
      const { reason } = request.body;
      await stopApp(deps.db, { appId, personId, reason, origin: originOf(request, now), now });
      await untilSendersStopped(deps, appId);
      const found = await findApp(deps.db, appId);
      if (found === undefined) throw notFound('app');
      return renderApp(deps, found);
    },
  });

  route(app, {
    method: 'POST',
    path: '/v1/app/resume',
    access: 'app.stop',
    audit: AUDIT_ACTIONS.resumeApp,
    schema: {
      operationId: 'resumeApp',
      summary: 'Resume sending after a stop',
      tags: ['apps'],
      description:
        'Lifts the emergency stop. Tasks that the stop had paused resume under their late policies. Tasks that a ' +
        'person paused stay paused.',
      response: { 200: Resumed, 202: Resumed },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { appId, personId } = personOf(request);
      const now = await deps.clock();
      const origin = originOf(request, now);
      await liftStop(deps.db, { appId, personId, origin, now });
      const found = await findApp(deps.db, appId);
      if (found === undefined) throw notFound('app');
      const { resumed, pending } = await resumeStopped(deps, { appId, personId, origin });
      const detail = pending
        ? 'The stop is lifted, but some tasks were not reached. Repeat the request, or wait up to five minutes.'
        : null;
      return reply
        .code(pending ? 202 : 200)
        .send({ app: await renderApp(deps, found), resumed, pending, detail });
    },
  });
}
