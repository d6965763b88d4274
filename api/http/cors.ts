import cors from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { App } from './deps.ts';

const DAY_SECONDS = 86_400;

const OPEN = {
  origin: '*',
  methods: ['POST', 'PUT', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-device-secret'],
  exposedHeaders: ['retry-after'],
  maxAge: DAY_SECONDS,
};
const CLOSED = { origin: false };

/**
 * Pages of any origin may call the routes that accept an SDK key, and no others. The API uses no cookies, so a
 * page can do no more than the key that it sends.
 */
export async function allowOtherOrigins(app: App): Promise<void> {
  const routes = new Set<string>();
  app.addHook('onRoute', ({ schema, url, method }) => {
    if (schema?.security?.some((way) => 'sdk' in way) !== true) return;
    for (const name of [method].flat()) routes.add(`${name} ${url.replaceAll(/:[^/]+/g, '[^/]+')}`);
  });
  let open: RegExp | undefined;
  const isOpen = (request: FastifyRequest): boolean => {
    open ??= new RegExp(`^(?:${[...routes].join('|')})$`);
    return open.test(`${methodOf(request)} ${request.url.split('?', 1)[0]}`);
  };
  await app.register(cors, {
    delegator: async (request: FastifyRequest) => (isOpen(request) ? OPEN : CLOSED),
  });
}

/** The method of a request. A preflight request names the method that it asks for. */
function methodOf({ method, headers }: FastifyRequest): string {
  return method === 'OPTIONS' ? (headers['access-control-request-method'] ?? '') : method;
}
