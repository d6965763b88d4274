import type { App } from './deps.ts';

/** Logs one line per request, with the route instead of the URL, so that device IDs stay out of the log. */
export function logRequests(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    const { caller, method, routeOptions } = request;
    const route = routeOptions.url ?? 'none';
    const keyId = caller === null || caller.kind === 'admin' ? caller?.kind : caller.keyId;
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    const level = route.startsWith('/health') ? 'debug' : 'info';
    request.log[level]({ method, route, status: reply.statusCode, ms, keyId }, 'request answered');
  });
}
