import type { App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';

/** Refuses requests that no route should see, with a problem instead of Node's or Fastify's own answer. */
export function refuseEarly(app: App): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async ({ raw }) => {
    if (isClosing) throw closing();
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw noHost();
  });
}

function closing(): Problem {
  const detail = 'This API process is shutting down; send the request again';
  return new Problem('unavailable', detail, { retryAfterSeconds: 1 });
}

function noHost(): Problem {
  const errors = [{ header: 'host', detail: 'is missing, which HTTP/1.1 requires' }];
  return new Problem('invalid_request', 'The request is not valid', { errors });
}
