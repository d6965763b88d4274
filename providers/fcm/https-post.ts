import { request } from 'node:https';
import type { Endpoint } from '../push-service.ts';

const TIMEOUT_MS = 10_000;

/** Posts a form over HTTPS. Rejects when no complete answer comes in time. */
export function postForm(
  endpoint: Endpoint,
  form: URLSearchParams,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      endpoint.url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(form.toString());
  });
}
