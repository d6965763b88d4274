import http from 'node:http';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeMessageId } from '../../domain/receipts/message-id.ts';
import { type SeededPush, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop, type Shop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let push: SeededPush;
beforeEach(async () => {
  push = await pushOf(shop);
  api.clock.advance(60_000);
});

async function pushOf(
  { appId, marketer: { personId } }: Shop,
  startedAt = api.clock.now,
): Promise<SeededPush> {
  const { db } = api.deps;
  const taskId = await seedTask(db, { appId, personId, now: startedAt });
  return await seedPush(db, {
    appId,
    taskId,
    startedAt,
    deliveries: [
      { status: 'accepted', platform: 'android' },
      { status: 'accepted', platform: 'ios' },
    ],
  });
}

const idOf = (n: number, of = push) => encodeMessageId(api.deps.messageMac, { pushNo: of.no, deliveryNo: n });
const receipt = (n: number, more: object = {}) => ({
  messageId: idOf(n),
  kind: 'open',
  eventId: `event-${n}`,
  at: api.clock.now.toISOString(),
  ...more,
});
let listened: Promise<string> | undefined;
const listening = () => (listened ??= api.app.listen({ host: '127.0.0.1', port: 0 }));
const report = (receipts: unknown[], more: object = {}) =>
  shop.sdk.call('POST', '/v1/receipts', { receipts, ...more });
const statistics = async () => (await shop.marketer.call('GET', `/v1/pushes/${push.id}/statistics`)).body;
const row = (n: number) =>
  api.deps.db
    .selectFrom('deliveries')
    .selectAll()
    .where('push_no', '=', push.no)
    .where('delivery_no', '=', n)
    .executeTakeFirstOrThrow();

describe('POST /v1/receipts', () => {
  test('an answered receipt is counted at once and only once', async () => {
    const { status, body } = await report([receipt(1), receipt(2), receipt(1)]);
    expect(status).toBe(200);
    expect(body).toEqual({
      accepted: 3,
      results: [
        { index: 0, result: 'counted' },
        { index: 1, result: 'counted' },
        { index: 2, result: 'duplicate' },
      ],
    });
    expect(await statistics()).toMatchObject({
      final: false,
      statistics: { opens: 2, taps: 2, deliveries: 2, noFeedback: 0 },
    });
  });

  test('a malformed receipt is refused by its index, and the rest counts', async () => {
    const bad = [
      null,
      'x',
      receipt(1, { kind: 'seen' }),
      receipt(1, { eventId: '' }),
      receipt(1, { at: 'now' }),
    ];
    const { status, body } = await report([...bad, receipt(1)]);
    expect(status).toBe(200);
    expect(body['accepted']).toBe(1);
    const results = body['results'] as { index: number; error?: string }[];
    expect(results.filter((result) => result.error !== undefined).map(({ index }) => index)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(results[3]?.error).toContain('eventId');
  });

  test("a forged ID and another app's ID get the same answer", async () => {
    const other = await openShop(api);
    const foreign = idOf(1, await pushOf(other));
    const forged = `${idOf(1).slice(0, -2)}AA`;
    const ids = [forged, foreign, idOf(99), 'nonsense'];
    const { body } = await report(ids.map((messageId) => receipt(1, { messageId })));
    expect(body).toEqual({ accepted: 0, results: ids.map((_, index) => ({ index, result: 'unknown' })) });
  });

  test("a device's wrong clock is corrected by its stated time of sending", async () => {
    const anHourSlow = (ms: number) => new Date(api.clock.now.getTime() - 3_600_000 + ms).toISOString();
    await report([receipt(1, { at: anHourSlow(-10_000) })], { sentAt: anHourSlow(0) });
    expect((await row(1)).open_at).toEqual(new Date(api.clock.now.getTime() - 10_000));
  });

  test('a receipt time lies neither in the future nor before its push', async () => {
    const times = ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'];
    await report(times.map((at, index) => receipt(index + 1, { at })));
    expect((await row(1)).open_at).toEqual(push.startedAt);
    expect((await row(2)).open_at).toEqual(api.clock.now);
  });

  test('a receipt after the window is late and counted separately', async () => {
    api.clock.advance(push.windowEndsAt.getTime() - api.clock.now.getTime());
    expect((await report([receipt(1)])).body).toEqual({
      accepted: 0,
      results: [{ index: 0, result: 'late' }],
    });
    expect(await statistics()).toMatchObject({ late: 1, statistics: { opens: null } });
  });

  test('many reports at the same time each get their own answers', async () => {
    const reports = Array.from({ length: 60 }, (_, index) =>
      report([
        receipt(1, { eventId: `tap-${index % 20}` }),
        receipt(1, { messageId: index % 2 === 0 ? 'forged' : idOf(2) }),
      ]),
    );
    const answers = (await Promise.all(reports)).map(({ body }) => body['results'] as { result: string }[]);
    expect(answers.filter(([tap]) => tap?.result === 'counted')).toHaveLength(20);
    answers.forEach(([, second], index) => {
      expect(second?.result === 'unknown').toBe(index % 2 === 0);
    });
    expect(await statistics()).toMatchObject({ statistics: { opens: 2, taps: 21 } });
  });

  test("needs the app's SDK key", async () => {
    expect((await shop.marketer.call('POST', '/v1/receipts', { receipts: [receipt(1)] })).status).toBe(403);
  });

  test('takes a thousand, and no more', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => receipt(1, { eventId: `tap-${index}` }));
    expect((await report(many)).body['accepted']).toBe(1000);
    expect((await report([...many, receipt(1)])).status).toBe(400);
    expect(await statistics()).toMatchObject({ statistics: { opens: 1, taps: 1000 } });
  });

  test('a batch of forged, expired, foreign, duplicate, future and malformed receipts gets an answer for each', async () => {
    const foreign = idOf(1, await pushOf(await openShop(api)));
    const expired = idOf(1, await pushOf(shop, new Date(api.clock.now.getTime() - 73 * 3_600_000)));
    const items = [
      receipt(1),
      receipt(1),
      receipt(2, { messageId: foreign }),
      receipt(1, { messageId: expired }),
      receipt(2, { messageId: `${idOf(2).slice(0, -1)}${idOf(2).endsWith('A') ? 'B' : 'A'}` }),
      receipt(2, { at: '2999-01-01T00:00:00Z' }),
      receipt(2, { kind: 'dismissal' }),
      receipt(2, { at: '2026-02-30T00:00:00Z' }),
      receipt(2, { surprise: true }),
      receipt(2, { __proto__: null, messageId: 5 }),
      [[[[]]]],
    ];
    const { body } = await report(items);
    const results = body['results'] as { index: number; result?: string; error?: string }[];
    expect(results.map(({ result, error }) => result ?? error)).toEqual([
      ...['counted', 'duplicate', 'unknown', 'late', 'unknown', 'counted', 'not_supported'],
      ...[/^at: /, /surprise/, /^messageId: /, /^receipt: /].map((text) => expect.stringMatching(text)),
    ]);
    expect((await row(2)).open_at).toEqual(api.clock.now);
    expect(await statistics()).toMatchObject({ statistics: { opens: 2, deliveries: 2 } });
  });

  test('the deepest nested body is answered, and only the body is read', async () => {
    const send = (payload: string) =>
      api.app.inject({
        method: 'POST',
        url: '/v1/receipts',
        payload,
        headers: { ...shop.sdk.headers, 'content-type': 'application/json' },
      });
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const nested = await send(`{"receipts":[${deep(500_000)}]}`);
    expect(nested.statusCode).toBe(200);
    expect(nested.json().results[0].error).toMatch(/^receipt: /);
    expect((await send('['.repeat(1_000_000))).statusCode).toBe(400);
    expect((await send(deep(5_000_000))).statusCode).toBe(413);
  });

  test('the earliest time wins in any order of arrival', async () => {
    const minutesAgo = (minutes: number) => new Date(api.clock.now.getTime() - minutes * 60_000);
    api.clock.advance(3_600_000);
    const times = [20, 30, 10].map(minutesAgo);
    for (const at of times) await report([receipt(1, { at: at.toISOString() })]);
    expect(await row(1)).toMatchObject({ open_at: minutesAgo(30), delivered_at: minutesAgo(30), taps: 1 });
  });

  test('stalled bodies are evicted and do not keep other reports out', async () => {
    const base = await listening();
    const headers = { ...shop.sdk.headers, 'content-type': 'application/json' };
    const stuck = Array.from({ length: 16 }, () => {
      const request = http.request(`${base}/v1/receipts`, {
        method: 'POST',
        headers: { ...headers, 'content-length': 1_048_576 },
      });
      const over = new Promise((resolve) => request.on('error', resolve));
      request.write('{');
      return { request, over };
    });
    const body = JSON.stringify({ receipts: [receipt(1)] });
    const post = async () => (await fetch(`${base}/v1/receipts`, { method: 'POST', headers, body })).status;
    try {
      await vi.waitFor(async () => expect(await post()).toBe(503), 5_000);
      await vi.waitFor(async () => expect(await post()).toBe(200), 8_000);
      await Promise.race(stuck.map(({ over }) => over));
      expect(stuck.filter(({ request }) => !request.destroyed)).toHaveLength(15);
    } finally {
      for (const { request } of stuck) request.destroy();
    }
  });

  test('reports beyond the memory limit get a Retry-After, and accepted reports are not lost', async () => {
    const { pool } = api.deps;
    const base = await listening();
    const holder = await pool.connect();
    await holder.query('begin');
    await holder.query('select 1 from deliveries where push_no = $1 for update', [push.no]);
    const padding = ' '.repeat(900_000);
    const post = async (index: number) => {
      const body = `{"receipts":[${JSON.stringify(receipt(1, { eventId: `held-${index}` }))}]${padding}}`;
      const headers = { ...shop.sdk.headers, 'content-type': 'application/json' };
      return await fetch(`${base}/v1/receipts`, { method: 'POST', headers, body });
    };
    let refused = 0;
    const posts = Array.from({ length: 30 }, async (_, index) => {
      const response = await post(index);
      if (response.status === 503) refused++;
      return response;
    });
    try {
      // 16 MiB hold 18 such bodies.
      await vi.waitFor(() => expect(refused).toBe(12), 10_000);
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    const answers = await Promise.all(posts);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(18);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(await answer.json()).toMatchObject({ code: 'unavailable' });
    }
    expect(await statistics()).toMatchObject({ statistics: { opens: 1, taps: 18 } });
    expect((await post(100)).status).toBe(200);
  });
});
