import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Address } from '../../domain/webhooks/webhook-target.ts';

const ANSWER_BYTES = 65_536;

export interface WebhookAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/**
 * One POST to one of the checked addresses, whatever the name resolves to by now. Redirects are not followed.
 * The status alone is the answer. A little of the body is read at most, and none is kept.
 */
export async function postWebhook(args: {
  readonly url: URL;
  readonly addresses: readonly Address[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}): Promise<WebhookAnswer> {
  const { url, headers, body, signal } = args;
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return await new Promise((done, failed) => {
    const length = String(Buffer.byteLength(body));
    const sent = request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': length, ...headers },
      agent: false,
      lookup: pinned(args.addresses),
      signal,
    });
    sent.on('error', failed);
    sent.on('response', (response) => {
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > ANSWER_BYTES) response.destroy();
      });
      response.on('error', () => undefined);
      done({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
    });
    sent.end(body);
  });
}

function pinned(addresses: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}
