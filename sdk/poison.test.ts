import { describe, expect, test } from 'vitest';
import type { SignalboxProblem } from './problems.ts';
import {
  emptyState,
  ITEM_CHARACTERS,
  type Item,
  OUTBOX_CHARACTERS,
  restoreState,
  type State,
} from './state.ts';
import type { Store } from './store.ts';
import { createWorld } from './testing/fake-server.ts';

const itself: Record<string, unknown> = {};
itself['self'] = itself;

function openWith(store?: Store) {
  const world = createWorld(undefined, store);
  const problems: SignalboxProblem[] = [];
  return { world, problems, client: world.open({ onError: (problem) => problems.push(problem) }) };
}

describe('an item that no request can carry', () => {
  test.each([
    ['a bigint', { n: 1n }, '/properties/n is a bigint'],
    ['a cycle', { n: itself }, '/properties/n contains itself'],
    ['a function', { n: () => 1 }, '/properties/n is a function'],
    ['a symbol', { n: Symbol('x') }, '/properties/n is a symbol'],
    ['a map', { n: new Map() }, '/properties/n is a Map'],
    ['properties that are a map', new Map([['n', 1]]), '/properties is a Map'],
    ['a huge text', { n: 'x'.repeat(ITEM_CHARACTERS) }, 'characters as JSON: at most 60000'],
  ])('is dropped alone and named: %s', async (_what, properties, reason) => {
    const { world, problems, client } = openWith();
    await client.register({ platform: 'web' });
    await client.track('before');
    await client.track('bad', properties as never);
    await client.track('after', { ok: true });
    await client.flush();
    expect(world.server.arrived.size).toBe(2);
    expect(await client.waiting()).toBe(0);
    expect(problems).toMatchObject([
      { kind: 'refused', reason: expect.stringContaining(reason), item: { body: { name: 'bad' } } },
    ]);
    expect(() => JSON.stringify(problems)).not.toThrow();
  });

  test.each([
    'delivered',
    'impression',
    'opened',
    'dismissed',
  ] as const)('is named when it is a message ID: %s', async (call) => {
    const { world, problems, client } = openWith();
    await client[call](1n as never);
    await client.impression('m');
    await client.flush();
    expect(world.server.arrived.size).toBe(1);
    expect(problems).toMatchObject([{ kind: 'refused', reason: expect.stringContaining('/messageId') }]);
  });
});

/** A storage that keeps values which JSON cannot hold, as IndexedDB does. */
function storeOf(stored: unknown): Store {
  const state = restoreState(stored);
  return { update: async (change) => change(state) };
}
const event = (id: string, properties: unknown) =>
  ({ kind: 'event', id, body: { id, name: 'n', at: '2026-01-01T00:00:00Z', properties } }) as Item;

describe('a stored queue', () => {
  const device: State['device'] = {
    id: 'd',
    isOwnId: true,
    secret: 's',
    isRegistered: true,
    platform: 'web',
    profile: {},
    changes: null,
    registering: null,
    unsubscribe: null,
    user: null,
    fault: null,
  };

  test('loses the items that block it, and names them', async () => {
    const outbox = [event('a', { x: 1 }), event('b', { x: 1n }), event('c', itself), null, event('d', {})];
    const { world, problems, client } = openWith(storeOf({ ...emptyState(), device, outbox }));
    await client.flush();
    expect([...world.server.arrived.keys()]).toEqual(['a', 'd']);
    expect(problems.map((one) => one.kind === 'refused' && one.reason)).toEqual([
      expect.stringContaining('/properties/x is a bigint'),
      expect.stringContaining('/properties/self contains itself'),
      expect.stringContaining('damaged'),
    ]);
    expect(await client.waiting()).toBe(0);
  });

  test("whose device has such values loses them, and registers the rest of the device's fields", async () => {
    const attributes = { good: 1, bad: 1n } as never;
    const poisoned = { ...device, isRegistered: false, profile: { attributes, locale: 'de' } };
    const state = { ...emptyState(), device: { ...poisoned, registering: { key: 'k', body: poisoned } } };
    const { world, problems, client } = openWith(storeOf(state));
    await client.flush();
    expect(world.server.requests.map(({ path }) => path)).toEqual(['/v1/devices']);
    expect(problems).toMatchObject([{ kind: 'device', fault: { pointers: ['/attributes/bad'] } }]);
    expect(await client.refresh({})).toMatchObject({ isRegistered: true });
  });

  test('that is damaged is replaced by an empty one', async () => {
    for (const stored of [null, 'text', 7, [], { outbox: 7, held: null, taps: {} }]) {
      const { world, client } = openWith(storeOf(stored));
      await client.opened('m');
      await client.flush();
      expect(world.server.arrived.size).toBe(1);
    }
  });

  test('is bounded in characters, too', async () => {
    const { problems, client } = openWith();
    const properties = { text: 'x'.repeat(50_000) };
    for (let i = 0; i < 12; i++) await client.track('big', properties);
    expect((await client.waiting()) * 50_000).toBeLessThan(OUTBOX_CHARACTERS);
    await client.flush();
    expect(problems).toEqual([{ kind: 'dropped', count: 3 }]);
  });
});

test('a batch that is refused as a whole is halved until the item at fault is found', async () => {
  const { world, problems, client } = openWith();
  for (const n of [1, 2, 3, 4]) await client.impression(`m-${n}`);
  world.server.responses.push(400, 400, 400);
  await client.flush();
  expect(world.server.arrived.size).toBe(3);
  expect(problems.filter(({ kind }) => kind === 'refused')).toMatchObject([
    { item: { body: { messageId: 'm-1' } } },
  ]);
});

describe('a device with fields that no request can carry', () => {
  test('registers without them, and they are named', async () => {
    const { world, problems, client } = openWith();
    const attributes = { good: 1, bad: 1n, worse: itself } as never;
    const registration = await client.register({ platform: 'web', attributes, tags: ['a'] });
    expect(registration).toMatchObject({ isRegistered: true, isUpToDate: true });
    expect(world.server.requests).toHaveLength(1);
    expect(problems).toMatchObject([
      { kind: 'device', fault: { code: 'not_sendable', pointers: ['/attributes/bad', '/attributes/worse'] } },
    ]);
  });

  test('is refused when its ID, its token or its user token is one of them', async () => {
    const { world, client } = openWith();
    await expect(client.register({ platform: 'web', deviceId: 1n as never })).rejects.toThrow('/deviceId');
    await expect(client.register({ platform: 'ios', token: 1n as never })).rejects.toThrow('/token');
    await client.register({ platform: 'web' });
    await expect(client.bindUser(1n as never)).rejects.toThrow('as text');
    expect(world.server.requests).toHaveLength(1);
  });
});
