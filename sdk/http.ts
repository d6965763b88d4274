import type { Fault } from './device-state.ts';
import type { Environment } from './environment.ts';
import { readRetryAfter, type Verdict, verdictOf } from './retry.ts';

const TIMEOUT_MS = 20_000;

export interface Call {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Answer =
  | { readonly verdict: 'done'; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly verdict: Exclude<Verdict, 'done'>;
      readonly isOffline: boolean;
      readonly retryAfterMs: number;
      readonly fault: Fault;
    };

export interface Server {
  readonly endpoint: string;
  readonly sdkKey: string;
}

/** Returns an answer in every case, and never throws. */
export async function callServer(
  env: Environment,
  server: Server,
  call: Call,
  isClosing: boolean,
): Promise<Answer> {
  const controller = new AbortController();
  const callOff = env.after(TIMEOUT_MS, () => controller.abort());
  try {
    const response = await env.fetch(`${server.endpoint.replace(/\/+$/, '')}${call.path}`, {
      method: call.method,
      headers: {
        authorization: `Bearer ${server.sdkKey}`,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: controller.signal,
      keepalive: isClosing,
    });
    return await readAnswer(response, env.now());
  } catch (error) {
    const fault = { status: 0, code: 'network', detail: String(error) };
    return { verdict: 'retry', isOffline: true, retryAfterMs: 0, fault };
  } finally {
    callOff();
  }
}

async function readAnswer(response: Response, now: number): Promise<Answer> {
  const text = await response.text();
  const body = readObject(text);
  const verdict = verdictOf(response.status);
  if (verdict === 'done' && body !== undefined) return { verdict, body };
  const { code = 'unknown', detail = '' } = body ?? {};
  return {
    // A 2xx that is not JSON comes from another server, for example the sign-in page of a captive portal.
    verdict: verdict === 'done' ? 'retry' : verdict,
    isOffline: false,
    retryAfterMs: readRetryAfter(response.headers.get('retry-after'), now),
    fault: { status: response.status, code: String(code), ...placesOf(body, String(detail)) },
  };
}

/** The faults that the server names, as text and as pointers. A fault of a header has an empty one. */
function placesOf(body: Readonly<Record<string, unknown>> | undefined, detail: string) {
  const errors: { pointer?: string; header?: string; detail?: string }[] = Array.isArray(body?.['errors'])
    ? body['errors']
    : [];
  const places = errors.map((error) => `${error.pointer ?? error.header ?? ''} ${error.detail ?? ''}`.trim());
  return { detail: [detail, ...places].join('; '), pointers: errors.map(({ pointer = '' }) => pointer) };
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
