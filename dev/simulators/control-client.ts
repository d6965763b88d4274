import type { SwitchChange, Switches } from './config.ts';
import type { Counts, LoggedRequest, ShownMessage } from './request-log.ts';

/** Watches and steers running simulators. */
export interface ControlClient {
  /** The counts, with the number of access tokens that the token endpoint issued. */
  counts(): Promise<Counts & { readonly accessTokens: number }>;
  /** Every request so far, in the order of their ends. */
  log(): Promise<LoggedRequest[]>;
  /** The last hundred messages that devices got, in no order. */
  bodies(): Promise<ShownMessage[]>;
  /** How many requests started after a moment of the epoch, in milliseconds. */
  requestsSince(epochMs: number): Promise<number>;
  switches(): Promise<{ apns: Switches; fcm: Switches }>;
  change(change: SwitchChange): Promise<void>;
  /** Clears counts and log. The switches stay. */
  reset(): Promise<void>;
  dropConnections(): Promise<void>;
  revokeAccessTokens(): Promise<void>;
}

export function createControlClient(url: string): ControlClient {
  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(new URL(path, url), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  async function get<T>(path: string): Promise<T> {
    return (await (await call('GET', path)).json()) as T;
  }

  async function post(path: string, body?: unknown): Promise<void> {
    await (await call('POST', path, body)).text();
  }

  return {
    counts: () => get('/counts'),
    async log() {
      const lines = (await (await call('GET', '/log')).text()).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LoggedRequest);
    },
    bodies: () => get('/bodies'),
    requestsSince: async (ms) => (await get<{ requests: number }>(`/requests-since?ms=${ms}`)).requests,
    switches: () => get('/switches'),
    change: (change) => post('/switches', change),
    reset: () => post('/reset'),
    dropConnections: () => post('/drop-connections'),
    revokeAccessTokens: () => post('/revoke-access-tokens'),
  };
}
