import { z } from 'zod';
import { ping } from '../../db/core/database.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';

const CHECK_MS = 2_000;
const Part = z.enum(['ok', 'unreachable']);
const Readiness = z
  .object({ status: z.enum(['ready', 'not_ready']), database: Part, temporal: Part })
  .meta({ id: 'Readiness' });

export async function healthRoutes(app: App, deps: ApiDeps): Promise<void> {
  const { db, temporal } = deps;
  route(app, {
    method: 'GET',
    path: '/health/live',
    access: 'public',
    isRateLimited: false,
    schema: {
      operationId: 'getLiveness',
      summary: 'Check that the process runs',
      tags: ['health'],
      response: { 200: z.object({ status: z.literal('live') }) },
    },
    handler: async () => ({ status: 'live' as const }),
  });
  route(app, {
    method: 'GET',
    path: '/health/ready',
    access: 'public',
    schema: {
      operationId: 'getReadiness',
      summary: 'Check that Postgres and Temporal are reachable',
      tags: ['health'],
      response: { 200: Readiness, 503: Readiness },
    },
    handler: async (_request, reply) => {
      const [database, temporalPart] = await Promise.all([
        partOf(() => ping(db)),
        partOf(() => temporal.connection.workflowService.getSystemInfo({})),
      ]);
      const isReady = database === 'ok' && temporalPart === 'ok';
      return reply
        .code(isReady ? 200 : 503)
        .send({ status: isReady ? 'ready' : 'not_ready', database, temporal: temporalPart });
    },
  });
}

async function partOf(check: () => Promise<unknown>): Promise<z.infer<typeof Part>> {
  const timer = Promise.withResolvers<'unreachable'>();
  const timeout = setTimeout(() => timer.resolve('unreachable'), CHECK_MS);
  try {
    return await Promise.race([check().then(() => 'ok' as const), timer.promise]);
  } catch {
    return 'unreachable';
  } finally {
    clearTimeout(timeout);
  }
}
