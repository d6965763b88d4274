import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { SignalboxProblem } from './problems.ts';
import { BATCH_ITEMS, OUTBOX_ITEMS } from './state.ts';
import { createWorld } from './testing/fake-server.ts';
import { recover, runWithFaults, Steps } from './testing/fault-injection.ts';

const HOUR = 3_600_000;

describe('under failures, crashes and repeated calls', () => {
  test('each report arrives once, or onError names it as refused', async () => {
    await fc.assert(
      fc.asyncProperty(Steps, async (steps) => {
        const world = createWorld();
        const messageId = (no: number) => `message-${no}`;
        const { taps, refused } = await runWithFaults(world, steps, { open: world.open, messageId });
        await recover(world, world.open());
        expect(world.server.arrived.size + refused()).toBe(taps);
        if (
          !steps.some(
            (step) => step.do === 'flush' && step.responses.some((one) => one === 413 || one === 400),
          )
        )
          expect(refused()).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test('a request holds at most a batch, and a smaller one after a fault', async () => {
    const world = createWorld();
    const client = world.open();
    for (let i = 0; i < 250; i++) await client.impression(`m-${i}`);
    world.server.responses.push(413, 413, 413, 413);
    await client.flush();
    const sizes = world.server.requests.map(({ ids }) => ids.length);
    expect(sizes.slice(0, 6)).toEqual([BATCH_ITEMS, 50, 25, 12, 6, 12]);
    expect(world.server.arrived.size).toBe(250);
  });
});

describe('refusals of the server', () => {
  const problemsOf = () => {
    const problems: SignalboxProblem[] = [];
    return { problems, onError: (problem: SignalboxProblem) => problems.push(problem) };
  };

  test('a report that is too large by itself is dropped, onError names it, and the others arrive', async () => {
    const world = createWorld();
    const { problems, onError } = problemsOf();
    const client = world.open({ onError });
    for (const name of ['a', 'b', 'c']) await client.opened(name);
    world.server.responses.push(413, 413);
    await client.flush();
    const refused = problems.filter((problem) => problem.kind === 'refused');
    expect(refused).toMatchObject([{ item: { body: { messageId: 'a' } } }]);
    expect(world.server.arrived.size).toBe(2);
  });

  test('when the queue is full the oldest items are dropped, and onError gets their number', async () => {
    const world = createWorld();
    const { problems, onError } = problemsOf();
    const client = world.open({ onError });
    for (let i = 0; i < OUTBOX_ITEMS + 3; i++) await client.opened(`m-${i}`);
    await client.flush();
    expect(problems).toEqual([{ kind: 'dropped', count: 3 }]);
    expect(world.server.arrived.size).toBe(OUTBOX_ITEMS);
    expect(world.server.arrived.has('id-3')).toBe(false);
    expect(world.server.arrived.has('id-4')).toBe(true);
  });

  test('every tab keeps to Retry-After', async () => {
    const world = createWorld();
    const [one, other] = [world.open(), world.open()];
    await one.opened('m');
    world.server.responses.push(429);
    await one.flush();
    world.server.now += 6_999;
    await other.flush();
    expect(world.server.requests).toHaveLength(1);
    world.server.now += 1_001;
    await other.flush();
    expect(world.server.arrived.size).toBe(1);
  });

  test('items that waited for the network are sent when it is back, and items that the server delayed are not', async () => {
    const world = createWorld();
    const client = world.open();
    await client.opened('m');
    world.server.responses.push('offline', 429);
    await client.flush();
    await client.online();
    await client.online();
    expect(world.server.requests).toHaveLength(2);
    expect(world.server.arrived.size).toBe(0);
  });

  test('a server that forbids everything is asked a few times, and then the reports are dropped', async () => {
    const world = createWorld();
    const { problems, onError } = problemsOf();
    const client = world.open({ onError });
    await client.opened('m');
    world.server.responses.push(...Array.from({ length: 20 }, () => 404 as unknown as 500));
    for (let i = 0; i < 20; i++) {
      world.server.now += 2 * HOUR;
      await client.flush();
    }
    expect(world.server.requests).toHaveLength(9);
    expect(problems.filter((problem) => problem.kind === 'refused')).toHaveLength(1);
    expect(await client.waiting()).toBe(0);
  });

  test('a listener that throws does not stop the sending', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const world = createWorld();
    const client = world.open({
      onError: () => {
        throw new Error('of the app');
      },
    });
    await client.opened('a');
    world.server.responses.push(500);
    await client.flush();
    world.server.now += HOUR;
    await client.flush();
    expect(world.server.arrived.size).toBe(1);
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });
});

describe('a tap', () => {
  test('that the worker, the page and another tab report counts once', async () => {
    const world = createWorld();
    const [worker, page, tab] = [world.open(), world.open(), world.open()];
    await Promise.all([worker.opened('m'), page.opened('m'), tab.opened('m')]);
    await page.opened('other');
    await worker.flush();
    world.server.now += 30_000;
    await world.open().opened('m');
    await tab.flush();
    expect(world.server.arrived.size).toBe(2);
  });

  test('counts again after a minute, also by a clock that was set back', async () => {
    const world = createWorld();
    const client = world.open();
    for (const ms of [0, 60_000, -HOUR]) {
      world.server.now = Date.UTC(2026, 0, 1) + ms;
      await client.opened('m');
    }
    await client.flush();
    expect(world.server.arrived.size).toBe(3);
  });

  test('that is reported twice leaves with the page once', async () => {
    const world = createWorld();
    const client = world.open();
    await client.opened('m');
    await client.opened('m');
    client.flushOnUnload();
    await expect.poll(() => world.server.arrived.size).toBe(1);
  });
});

test('a registered device without a network is still registered, and its change waits', async () => {
  const world = createWorld();
  const client = world.open();
  world.server.responses.push('offline');
  const device = { platform: 'web' } as const;
  expect(await client.register(device)).toMatchObject({ isRegistered: false, isUpToDate: false });
  await client.online();
  world.server.responses.push('offline');
  expect(await client.register(device)).toMatchObject({ isRegistered: true, isUpToDate: false });
  await client.online();
  world.server.now += HOUR;
  expect(await client.refresh({})).toMatchObject({ isRegistered: true, isUpToDate: true });
});

test('what the server left out of a device is told', async () => {
  const warnings = [{ pointer: '/timeZone', code: 'unknown_time_zone', detail: 'is not an IANA time zone' }];
  const world = createWorld(async () => Response.json({ deviceId: 'd', secret: 's', warnings }));
  const problems: SignalboxProblem[] = [];
  const client = world.open({ onError: (problem) => problems.push(problem) });
  expect(await client.register({ platform: 'web', timeZone: 'GMT+8' })).toMatchObject({ isRegistered: true });
  expect(problems).toMatchObject([
    { kind: 'device', fault: { pointers: ['/timeZone'], detail: '/timeZone is not an IANA time zone' } },
  ]);
});

test("events wait for the device's registration, and carry its secret", async () => {
  const world = createWorld();
  const client = world.open();
  await client.track('cart', { items: 2 });
  await client.flush();
  expect(world.server.requests).toEqual([]);
  await client.register({ platform: 'android', token: 't' });
  expect(world.server.requests.map(({ path }) => path)).toEqual(['/v1/devices', '/v1/events']);
  expect(world.server.requests[1]?.headers).toMatchObject({ 'x-device-secret': 's' });
});

test('notifications that are closed together are a "clear all", one by one they are dismissals', async () => {
  const world = createWorld();
  const client = world.open();
  for (const ms of [0, 200, 450, 2_000, 4_000]) {
    world.server.now = Date.UTC(2026, 0, 1) + ms;
    await client.dismissed(`m-${ms}`);
  }
  await client.flush();
  expect(world.server.arrived.size).toBe(1);
  // The process ends before the last closing is decided. The next process decides it.
  world.server.now += 501;
  await world.open().flush();
  expect(world.server.arrived.size).toBe(2);
});
