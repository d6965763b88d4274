import { type Client, type ClientOptions, createClient } from '../client.ts';
import { createQueue, keyValueStore, memoryStorage, type Store } from '../store.ts';

/** How a request ends. `lost`: it was counted, and the answer never arrived. `silent`: so was the caller. */
export const FATES = ['well', 'lost', 'offline', 'silent', 500, 503, 429, 401, 413, 'portal'] as const;
export type Fate = (typeof FATES)[number];

export interface FakeServer {
  /** Of the next requests, in turn; then all goes well. */
  readonly fates: Fate[];
  /** Each ID, and how often it arrived. */
  readonly arrived: Map<string, number>;
  readonly requests: { readonly path: string; readonly ids: string[]; readonly headers: object }[];
  now: number;
}

interface Body {
  readonly receipts?: readonly { readonly eventId: string }[];
  readonly events?: readonly { readonly id: string }[];
}

const OPTIONS: ClientOptions = { endpoint: 'https://push.example/', sdkKey: 'sbk_test' };

/** A world of one device: its storage, its clock, and a server that fails as it is told. */
export function createWorld(): {
  server: FakeServer;
  store: Store;
  open: (options?: Partial<ClientOptions>) => Client;
  ids: () => number;
} {
  const server: FakeServer = { fates: [], arrived: new Map(), requests: [], now: Date.UTC(2026, 0, 1) };
  const store = keyValueStore(memoryStorage(), 'state');
  let ids = 0;
  const open = (options: Partial<ClientOptions> = {}) =>
    createClient(
      {
        store,
        fetch: (url, init) => answer(server, url, init),
        now: () => server.now,
        random: Math.random,
        randomId: () => `id-${++ids}`,
        inTurn: createQueue(),
        // Nothing happens by itself: the test flushes.
        after: () => () => undefined,
      },
      { ...OPTIONS, ...options },
    );
  return { server, store, open, ids: () => ids };
}

async function answer(server: FakeServer, url: string, init: RequestInit): Promise<Response> {
  const fate = server.fates.shift() ?? 'well';
  const { receipts = [], events = [] } = JSON.parse(String(init.body ?? '{}')) as Body;
  const ids = [...receipts.map((receipt) => receipt.eventId), ...events.map((event) => event.id)];
  server.requests.push({ path: new URL(url).pathname, ids, headers: init.headers ?? {} });
  if (fate === 'offline') throw new TypeError('Failed to fetch');
  if (fate === 'portal') return new Response('<html>Sign in</html>', { status: 200 });
  if (typeof fate === 'number') {
    const headers = fate === 429 ? { 'retry-after': '7' } : {};
    return Response.json({ code: 'refused', detail: String(fate) }, { status: fate, headers });
  }
  if (new URL(url).pathname === '/v1/devices') return Response.json({ deviceId: 'd', secret: 's' });
  const results = ids.map((id, index) => {
    const times = server.arrived.get(id) ?? 0;
    server.arrived.set(id, times + 1);
    return { index, result: times === 0 ? 'counted' : 'duplicate' };
  });
  if (fate === 'lost') throw new TypeError('Failed to fetch');
  if (fate === 'silent') return await new Promise(() => undefined);
  return Response.json({ accepted: results.length, results });
}
