import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem, problemResponses } from '../problem.ts';
import { pushOf } from '../push-lookup.ts';
import { createStatisticsFeed } from '../statistics-feed.ts';
import { readingById } from '../task-lookup.ts';

/** In one process. */
const MAX_STREAMS = 200;
const MAX_STREAMS_PER_KEY = 10;
const RETRY_AFTER_SECONDS = 10;

const EVENTS = {
  description:
    'Server-sent events `statistics`, each with a PushStatistics as data, as it changes; the last one is `final`, or the stream ends after ten minutes and is to be opened again.',
  content: { 'text/event-stream': { schema: z.string() } },
};

export async function statisticsStreamRoutes(app: App, deps: ApiDeps): Promise<void> {
  const feed = createStatisticsFeed(deps);
  const ofKeys = new Map<string, number>();
  app.addHook('preClose', async () => feed.close());

  app.get(
    '/v1/pushes/:id/statistics/stream',
    readingById(app, {
      operationId: 'watchPushStatistics',
      tags: ['statistics'],
      headers: z.object({ 'last-event-id': z.string().max(100).optional() }),
      response: { 200: EVENTS, ...problemResponses(404) },
    }),
    async (request, reply) => {
      const { keyId } = personOf(request);
      const { no } = await pushOf(deps, request);
      const open = ofKeys.get(keyId) ?? 0;
      if (open >= MAX_STREAMS_PER_KEY) throw tooMany('rate_limited', 'This key watches too many pushes');
      if (feed.size >= MAX_STREAMS) throw tooMany('unavailable', 'Too many watch; ask again later');
      ofKeys.set(keyId, open + 1);
      const stream = feed.watch(no, request.headers['last-event-id']);
      stream.once('close', () => {
        const left = (ofKeys.get(keyId) ?? 1) - 1;
        if (left === 0) ofKeys.delete(keyId);
        else ofKeys.set(keyId, left);
      });
      return sendEvents(reply, stream);
    },
  );
}

function sendEvents(reply: FastifyReply, stream: Readable): FastifyReply {
  return (
    reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      // A server that closes would wait for a connection that is kept.
      .header('connection', 'close')
      .send(stream)
  );
}

function tooMany(code: 'rate_limited' | 'unavailable', detail: string): Problem {
  return new Problem(code, detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
