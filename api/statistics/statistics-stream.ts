import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { IdParams } from '../http/schemas.ts';
import { pushOf } from '../pushes/push-lookup.ts';
import { taskOf } from '../tasks/task-lookup.ts';
import { readPushStatistics } from './push-statistics.ts';
import { createStatisticsFeed, type Topic } from './statistics-feed.ts';
import { admitByTicket, createStreamTicketRoute, TicketQuery } from './stream-tickets.ts';
import { readTaskStatistics } from './task-statistics.ts';

/** The limit per process. */
const MAX_STREAMS = 200;
const MAX_STREAMS_PER_KEY = 10;
const RETRY_AFTER_SECONDS = 10;

const Headers = z.object({ 'last-event-id': z.string().max(100).optional() });
const tags = ['statistics'] as const;

export async function statisticsStreamRoutes(app: App, deps: ApiDeps): Promise<void> {
  const watch = watching(app, deps);
  createStreamTicketRoute(app, deps);
  await app.register(async (streams: App) => {
    streams.addHook('onRequest', admitByTicket(deps));
    pushStreamRoute(streams, deps, watch);
    taskStreamRoute(streams, deps, watch);
  });
}

type Watch = ReturnType<typeof watching>;

function pushStreamRoute(app: App, deps: ApiDeps, watch: Watch): void {
  route(app, {
    method: 'GET',
    path: '/v1/pushes/:id/statistics/stream',
    access: 'tasks.read',
    schema: {
      operationId: 'watchPushStatistics',
      summary: 'Watch the statistics of a push live',
      tags,
      params: IdParams,
      headers: Headers,
      querystring: TicketQuery,
      response: { 200: eventsOf('a PushStatistics') },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { no } = await pushOf(deps, request);
      const read = async () => {
        const body = await readPushStatistics(deps, no);
        return body && { body, final: body.final };
      };
      return sendEvents(reply, watch(request, { key: `push ${no}`, read }));
    },
  });
}

function taskStreamRoute(app: App, deps: ApiDeps, watch: Watch): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/statistics/stream',
    access: 'tasks.read',
    schema: {
      operationId: 'watchTaskStatistics',
      summary: 'Watch the statistics of a task live',
      tags,
      params: IdParams,
      headers: Headers,
      querystring: TicketQuery,
      response: { 200: eventsOf('a TotalStatistics') },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { id } = await taskOf(deps, request);
      const read = () => readTaskStatistics(deps, id);
      return sendEvents(reply, watch(request, { key: `task ${id}`, read }));
    },
  });
}

function eventsOf(data: string) {
  return {
    description:
      `Server-sent events \`statistics\`, each with ${data} as data, one at each change. ` +
      `The last event is \`final\`. ` +
      'A stream that has not come to it ends after ten minutes: open it again.',
    content: { 'text/event-stream': { schema: z.string() } },
  };
}

/** Opens streams within the limits of the key and of the process. */
function watching(app: App, deps: ApiDeps): (request: FastifyRequest, topic: Topic) => Readable {
  const feed = createStatisticsFeed(deps);
  const ofKeys = new Map<string, number>();
  app.addHook('preClose', async () => feed.close());
  return (request, topic) => {
    const { keyId } = personOf(request);
    const open = ofKeys.get(keyId) ?? 0;
    if (open >= MAX_STREAMS_PER_KEY)
      throw tooMany(
        'rate_limited',
        `This key has ${MAX_STREAMS_PER_KEY} streams open, which is the limit: close one first`,
      );
    if (feed.size >= MAX_STREAMS) throw tooMany('unavailable', 'Too many streams are open: try again later');
    ofKeys.set(keyId, open + 1);
    const headers = request.headers as z.infer<typeof Headers>;
    const stream = feed.watch(topic, headers['last-event-id']);
    stream.once('close', () => {
      const left = (ofKeys.get(keyId) ?? 1) - 1;
      if (left === 0) ofKeys.delete(keyId);
      else ofKeys.set(keyId, left);
    });
    return stream;
  };
}

function sendEvents(reply: FastifyReply, stream: Readable): FastifyReply {
  return (
    reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      // A kept connection would delay the shutdown of the server.
      .header('connection', 'close')
      .send(stream)
  );
}

function tooMany(code: 'rate_limited' | 'unavailable', detail: string): Problem {
  return new Problem(code, detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
