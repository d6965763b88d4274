import { type Client, type ClientOptions, createClient } from '../client.ts';
import { createQueue, keyValueStore, memoryStorage, type Store } from '../store.ts';

/**
 * The end of a request. `lost`: the server counted the items, and the connection broke before the answer.
 * `silent`: the server counted the items, and no answer comes.
 */
export const RESPONSES = [
  'well',
  'lost',
  'offline',
  'silent',
  500,
  503,
  429,
  401,
  413,
  400,
  'portal',
] as const;
export type PlannedResponse = (typeof RESPONSES)[number];

export interface FakeServer {
  /** The ends of the next requests, in order. Later requests succeed. */
  readonly responses: PlannedResponse[];
  /** The number of arrivals of each ID. */
  readonly arrived: Map<string, number>;
  /** IDs that reached the server, even if the answer was lost. */
  readonly reached: Set<string>;
  readonly requests: { readonly path: string; readonly ids: string[]; readonly headers: object }[];
  /** Called for a request that is never answered. */
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
  /** Opens another tab, or starts the app again, on the same storage. */
  open(options?: Partial<ClientOptions>): Client;
}

/** One device with storage, clock and a network that fails as planned. `deliver` reaches a real server. */
export function createWorld(
  deliver?: Deliver,
  store: Store = keyValueStore(memoryStorage(), 'state'),
): World {
  const server: FakeServer = {
    responses: [],
    arrived: new Map(),
    reached: new Set(),
    requests: [],
    onSilence: () => undefined,
    now: Date.UTC(2026, 0, 1),
  };
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
        // No timer fires, so that the test decides when to flush.
        after: () => () => undefined,
      },
      { ...OPTIONS, ...options },
    );
  return { server, open };
}

/** The network between the device and the server. */
async function carry(
  server: FakeServer,
  deliver: Deliver,
  url: string,
  init: RequestInit,
): Promise<Response> {
  const planned = server.responses.shift() ?? 'well';
  server.requests.push({ path: new URL(url).pathname, ids: idsIn(init), headers: init.headers ?? {} });
  if (planned === 'offline') throw new TypeError('Failed to fetch');
  if (planned === 'portal') return new Response('<html>Sign in</html>', { status: 200 });
  if (typeof planned === 'number') {
    const headers = planned === 429 ? { 'retry-after': '7' } : {};
    return Response.json({ code: 'refused', detail: String(planned) }, { status: planned, headers });
  }
  const response = await deliver(url, init);
  for (const id of idsIn(init)) server.reached.add(id);
  if (planned === 'lost') throw new TypeError('Failed to fetch');
  if (planned === 'silent') {
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
