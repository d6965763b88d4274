import { type Client, type ClientOptions, createClient } from '../client.ts';
import { createQueue, keyValueStore, memoryStorage } from '../store.ts';

/** How a request ends. `lost`: it was counted, and the answer never arrived. `silent`: so was the caller. */
export const FATES = ['well', 'lost', 'offline', 'silent', 500, 503, 429, 401, 413, 'portal'] as const;
export type Fate = (typeof FATES)[number];

export interface FakeServer {
  /** Of the next requests, in turn; then all goes well. */
  readonly fates: Fate[];
  /** Each ID, and how often it arrived. */
  readonly arrived: Map<string, number>;
  /** IDs that came to the server, whatever became of the answer. */
  readonly reached: Set<string>;
  readonly requests: { readonly path: string; readonly ids: string[]; readonly headers: object }[];
  /** A request went by that is never answered. */
  onSilence: () => void;
  now: number;
}

interface Body {
  readonly receipts?: readonly { readonly eventId: string }[];
  readonly events?: readonly { readonly id: string }[];
}

type Deliver = (url: string, init: RequestInit) => Promise<Response>;

const OPTIONS: ClientOptions = { endpoint: 'https://push.example/', sdkKey: 'sbk_test' };

export interface World {
  readonly server: FakeServer;
  /** Another tab, or the app started again: they share what is stored. */
  open(options?: Partial<ClientOptions>): Client;
}

/** One device with its storage and its clock, and a network that fails as it is told; at its end a server, or the real one. */
export function createWorld(deliver?: Deliver): World {
  const server: FakeServer = {
    fates: [],
    arrived: new Map(),
    reached: new Set(),
    requests: [],
    onSilence: () => undefined,
    now: Date.UTC(2026, 0, 1),
  };
  const store = keyValueStore(memoryStorage(), 'state');
  const prefix = deliver === undefined ? '' : `${Math.random()}-`;
  let ids = 0;
  const open = (options: Partial<ClientOptions> = {}) =>
    createClient(
      {
        store,
        fetch: (url, init) => carry(server, deliver ?? count(server), url, init),
        now: () => server.now,
        random: Math.random,
        randomId: () => `${prefix}id-${++ids}`,
        inTurn: createQueue(),
        // Nothing happens by itself: the test flushes.
        after: () => () => undefined,
      },
      { ...OPTIONS, ...options },
    );
  return { server, open };
}

/** The network, and whatever stands in it. */
async function carry(
  server: FakeServer,
  deliver: Deliver,
  url: string,
  init: RequestInit,
): Promise<Response> {
  const fate = server.fates.shift() ?? 'well';
  server.requests.push({ path: new URL(url).pathname, ids: idsIn(init), headers: init.headers ?? {} });
  if (fate === 'offline') throw new TypeError('Failed to fetch');
  if (fate === 'portal') return new Response('<html>Sign in</html>', { status: 200 });
  if (typeof fate === 'number') {
    const headers = fate === 429 ? { 'retry-after': '7' } : {};
    return Response.json({ code: 'refused', detail: String(fate) }, { status: fate, headers });
  }
  const response = await deliver(url, init);
  for (const id of idsIn(init)) server.reached.add(id);
  if (fate === 'lost') throw new TypeError('Failed to fetch');
  if (fate === 'silent') {
    server.onSilence();
    return await new Promise(() => undefined);
  }
  return response;
}

function count(server: FakeServer): Deliver {
  return async (url, init) => {
    if (new URL(url).pathname === '/v1/devices') return Response.json({ deviceId: 'd', secret: 's' });
    const results = idsIn(init).map((id, index) => {
      const times = server.arrived.get(id) ?? 0;
      server.arrived.set(id, times + 1);
      return { index, result: times === 0 ? 'counted' : 'duplicate' };
    });
    return Response.json({ accepted: results.length, results });
  };
}

function idsIn({ body }: RequestInit): string[] {
  const { receipts = [], events = [] } = JSON.parse(String(body ?? '{}')) as Body;
  return [...receipts.map((receipt) => receipt.eventId), ...events.map((event) => event.id)];
}
