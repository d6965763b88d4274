import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { finalisePush } from '../../db/statistics/finalise.ts';
import { encodeMessageId } from '../../domain/receipts/message-id.ts';
import { type SeededPush, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop, type Shop } from '../../test/fixtures/shop-fixture.ts';
import { startTestApi, type TestApi } from '../../test/fixtures/test-api.ts';
import { watchEvents } from '../../test/fixtures/watch-fixture.ts';

let api: TestApi;
let shop: Shop;
let taskId: string;
let push: SeededPush;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());
beforeEach(async () => {
  shop = await openShop(api);
  const { appId, marketer } = shop;
  taskId = await seedTask(api.deps.db, { appId, personId: marketer.personId, now: api.clock.now });
  push = await pushOf(1);
});

async function pushOf(seq: number): Promise<SeededPush> {
  return await seedPush(api.deps.db, {
    appId: shop.appId,
    taskId,
    seq,
    startedAt: api.clock.now,
    deliveries: [
      { status: 'accepted', platform: 'android', deviceId: '=cmd()' },
      { status: 'accepted', platform: 'android' },
      { status: 'accepted', platform: 'ios' },
      { status: 'rejected', platform: 'ios', reason: 'BadDeviceToken' },
      { status: 'unreachable', platform: null, reason: 'unknown_device' },
    ],
  });
}

const get = async (url: string, who = shop) => (await who.marketer.call('GET', url)).body;
const text = async (url: string) => {
  const { appId: _, marketer } = shop;
  return await marketer.text('GET', url);
};
const report = (n: number, kind: string, of = push) =>
  shop.sdk.call('POST', '/v1/receipts', {
    receipts: [
      {
        messageId: encodeMessageId(api.deps.messageMac, { pushNo: of.no, deliveryNo: n }),
        kind,
        eventId: `${kind}-${n}`,
        at: api.clock.now.toISOString(),
      },
    ],
  });
const freeze = async (of: SeededPush) => {
  api.clock.advance(Math.max(0, of.windowEndsAt.getTime() - api.clock.now.getTime()));
  return await finalisePush(api.deps.db, { push: of, now: api.clock.now });
};

describe('GET /v1/pushes/{id}/statistics', () => {
  test('every drop has a meaning and a remedy, and the sums are shown', async () => {
    const body = await get(`/v1/pushes/${push.id}/statistics`);
    expect(body['reasons']).toEqual([
      expect.objectContaining({ outcome: 'unreachable', reason: 'unknown_device', devices: 1 }),
      expect.objectContaining({ outcome: 'failure', reason: 'BadDeviceToken', devices: 1 }),
    ]);
    for (const { whatToDo } of body['reasons'] as { whatToDo: string }[]) expect(whatToDo).not.toBe('');
    expect(body['reconciliation']).toEqual([
      { rule: 'planned = matched + losses', left: 5, right: 5, holds: true },
      { rule: 'matched = suppressed + pending + sent + not sent', left: 4, right: 4, holds: true },
      { rule: 'sent = success + failures + no feedback', left: 4, right: 4, holds: true },
    ]);
  });

  test('opens are unknown before any device reports, and known afterwards, also for silent pushes', async () => {
    expect(await get(`/v1/pushes/${push.id}/statistics`)).toMatchObject({
      statistics: { opens: null, impressions: null, rateBase: 0, deliveries: 1 },
    });
    const next = await pushOf(2);
    await report(1, 'delivered', next);
    expect(await get(`/v1/pushes/${push.id}/statistics`)).toMatchObject({
      statistics: { opens: 0, platforms: { ios: { opens: null }, android: { opens: 0 } } },
    });
  });

  test('hours are shown by platform, and are the same once frozen', async () => {
    await report(3, 'open');
    api.clock.advance(90 * 60_000);
    await report(1, 'impression');
    await report(2, 'delivered');
    const hours = (await get(`/v1/pushes/${push.id}/statistics`))['hours'];
    const none = { sent: 0, delivered: 0, impressions: 0, opens: 0, dismissals: 0 };
    expect(hours).toEqual([
      { hour: 0, platform: 'ios', ...none, sent: 2, delivered: 1, opens: 1 },
      { hour: 0, platform: 'android', ...none, sent: 2 },
      { hour: 1, platform: 'android', ...none, delivered: 2, impressions: 1 },
    ]);
    expect(await freeze(push)).toEqual([]);
    await report(2, 'open');
    const frozen = await get(`/v1/pushes/${push.id}/statistics`);
    expect(frozen).toMatchObject({ final: true, late: 1, hours, statistics: { opens: 1 } });
  });

  test('a content with locales has figures for each variant that was received', async () => {
    const { appId, marketer } = shop;
    const content = { locales: { de: { title: 'Angebot' } } };
    const now = api.clock.now;
    const task = await seedTask(api.deps.db, { appId, personId: marketer.personId, content, now });
    const { id } = await seedPush(api.deps.db, {
      appId,
      taskId: task,
      startedAt: now,
      deliveries: [
        { status: 'accepted', platform: 'ios', variant: 3 },
        { status: 'pending', platform: 'ios', variant: 0 },
        { status: 'unreachable', platform: null, reason: 'unknown_device' },
      ],
    });
    const variants = {
      ios: { planned: 1, pending: 1, sent: 0 },
      'ios/de': { planned: 1, pending: 0, sent: 1 },
    };
    for (const url of [`/v1/pushes/${id}/statistics`, `/v1/tasks/${task}/statistics`]) {
      expect(await get(url)).toMatchObject({ statistics: { planned: 3, losses: 1, variants } });
    }
  });

  test('the CSV has a line for each figure, empty when unknown', async () => {
    const csv = await text(`/v1/pushes/${push.id}/statistics.csv`);
    expect(csv.split('\r\n')).toEqual(
      expect.arrayContaining([
        'scope,name,metric,value',
        'all,,planned,5',
        'all,,opens,',
        'channel,fcm,noFeedback,2',
        'variant,android,sent,2',
        'hour,0 ios,sent,2',
        'reason,failure: BadDeviceToken,devices,1',
      ]),
    );
  });
});

describe('totals', () => {
  test('a task adds up its pushes, live and frozen', async () => {
    await report(1, 'open');
    await freeze(push);
    const next = await pushOf(2);
    await report(1, 'open', next);
    await report(2, 'open', next);
    expect(await get(`/v1/tasks/${taskId}/statistics`)).toMatchObject({
      pushes: 2,
      finalPushes: 1,
      statistics: {
        planned: 10,
        opens: 3,
        deliveries: 5,
        failures: 2,
        failureReasons: { BadDeviceToken: 2 },
      },
      reconciliation: [{ holds: true }, { holds: true }, { holds: true }],
    });
  });

  test('an app adds up the pushes of a period, day by day', async () => {
    const day = 86_400_000;
    expect((await get('/v1/statistics'))['days']).toMatchObject([
      { planned: 5, opens: null, impressions: null },
    ]);
    await report(1, 'open');
    api.clock.advance(2 * day);
    const next = await pushOf(2);
    const from = new Date(next.startedAt.getTime() - 1).toISOString();
    const all = await get('/v1/statistics');
    expect(all).toMatchObject({ pushes: 2, statistics: { planned: 10, opens: 1 } });
    expect(all['days']).toMatchObject([
      { pushes: 1, planned: 5, opens: 1 },
      { pushes: 1, planned: 5, opens: 0 },
    ]);
    expect(await get(`/v1/statistics?from=${from}`)).toMatchObject({ pushes: 1, statistics: { planned: 5 } });
    expect(await get('/v1/statistics', await openShop(api))).toMatchObject({ pushes: 0, days: [] });
  });

  test('a period that ends before it begins, or is too long, is refused', async () => {
    const backwards = '/v1/statistics?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z';
    expect((await shop.marketer.call('GET', backwards)).status).toBe(400);
    const years = '/v1/statistics?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z';
    expect((await shop.marketer.call('GET', years)).status).toBe(400);
  });

  test('the CSV has a line for each push, newest first', async () => {
    api.clock.advance(1_000);
    const next = await pushOf(2);
    const [head, ...lines] = (await text('/v1/statistics.csv')).trimEnd().split('\r\n');
    expect(head).toMatch(/^push_id,task_id,status,started_at,final,late,planned,matched/);
    expect(lines.map((line) => line.split(',')[0])).toEqual([next.id, push.id]);
    const ofTask = `/v1/tasks/${taskId}/statistics.csv`;
    expect((await text(ofTask)).trimEnd().split('\r\n')).toEqual([head, ...lines]);
    expect((await (await openShop(api)).marketer.call('GET', ofTask)).status).toBe(404);
  });

  test('the CSV of a task has every push, beyond one page', async () => {
    const { db } = api.deps;
    const at = push.startedAt;
    const window = { window_ms: 1, status: 'collecting' } as const;
    await db
      .insertInto('pushes')
      .values(
        Array.from({ length: 450 }, (_, n) => ({
          id: `${push.id}-${n}`,
          app_id: shop.appId,
          task_id: taskId,
          seq: n + 2,
          revision: 1,
          due_at: at,
          created_at: at,
          ...window,
        })),
      )
      .execute();
    const [, ...lines] = (await text(`/v1/tasks/${taskId}/statistics.csv`)).trimEnd().split('\r\n');
    expect(new Set(lines.map((line) => line.split(',')[0])).size).toBe(451);
    expect(lines.at(-1)).toContain(push.id);
  });
});

describe('GET /v1/pushes/{id}/deliveries.csv', () => {
  test('has every device of the filter, with formulas escaped', async () => {
    const lines = (await text(`/v1/pushes/${push.id}/deliveries.csv?platform=android`))
      .trimEnd()
      .split('\r\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain(`${push.id},1,'=cmd(),android,fcm,android,no_feedback,,false,0`);
  });

  test('is streamed page after page', async () => {
    const many = await seedPush(api.deps.db, {
      appId: shop.appId,
      taskId,
      seq: 2,
      startedAt: api.clock.now,
      deliveries: Array.from({ length: 4_500 }, () => ({ status: 'accepted', platform: 'ios' }) as const),
    });
    const lines = (await text(`/v1/pushes/${many.id}/deliveries.csv`)).trimEnd().split('\r\n');
    expect(lines).toHaveLength(4_501);
    expect(new Set(lines).size).toBe(4_501);
  });

  test('answers 410 after the window, and 404 to another app', async () => {
    const url = `/v1/pushes/${push.id}/deliveries.csv`;
    expect((await (await openShop(api)).marketer.call('GET', url)).status).toBe(404);
    api.clock.advance(push.windowEndsAt.getTime() - api.clock.now.getTime());
    expect((await shop.marketer.call('GET', url)).status).toBe(410);
  });

  test('marks a cut-off file in its last line', async () => {
    const deliveries = Array.from(
      { length: 9_000 },
      () => ({ status: 'accepted', platform: 'ios' }) as const,
    );
    const { id, windowEndsAt, startedAt } = await seedPush(api.deps.db, {
      appId: shop.appId,
      taskId,
      seq: 2,
      startedAt: api.clock.now,
      deliveries,
    });
    // The window ends between two pages.
    let asked = 0;
    const clock = vi
      .spyOn(api.deps, 'clock')
      .mockImplementation(async () => (++asked < 4 ? startedAt : windowEndsAt));
    const response = await fetch(`${await listening()}/v1/pushes/${id}/deliveries.csv`, {
      headers: shop.marketer.headers,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let csv = '';
    const rest = async () => {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) return;
        csv += chunk.value;
      }
    };
    await expect(rest()).rejects.toThrow();
    clock.mockRestore();
    expect(csv).toContain(`${id},1,`);
    expect(csv).not.toContain(`${id},9000,`);
    expect(csv.trimEnd().split('\r\n').at(-1)).toMatch(/^#incomplete/);
  });
});

let base: string | undefined;
async function listening(): Promise<string> {
  base ??= await api.app.listen({ host: '127.0.0.1', port: 0 });
  return base;
}

describe('GET /v1/pushes/{id}/statistics/stream', () => {
  const watch = async (headers: Record<string, string> = {}, path = `/v1/pushes/${push.id}`) =>
    await watchEvents(`${await listening()}${path}/statistics/stream`, {
      ...shop.marketer.headers,
      ...headers,
    });
  const dataOf = (event = '') => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? 'null');
  const idOf = (event = '') => /^id: (.*)$/m.exec(event)?.[1] ?? '';

  test('sends changes to all watchers within two seconds', async () => {
    const [one, two] = [await watch(), await watch()];
    expect(dataOf(await one.next())).toMatchObject({ final: false, statistics: { opens: null } });
    await two.next();
    const before = performance.now();
    await report(1, 'open');
    for (const watcher of [one, two]) {
      expect(dataOf(await watcher.next())).toMatchObject({ statistics: { opens: 1, taps: 1 } });
      watcher.stop();
    }
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  test('a client that reconnects with the last ID gets only new events', async () => {
    const first = await watch();
    const id = idOf(await first.next());
    first.stop();
    const again = await watch({ 'last-event-id': id });
    await report(2, 'delivered');
    expect(dataOf(await again.next())).toMatchObject({ statistics: { deliveries: 2 } });
    again.stop();
  });

  test('ends with the final statistics', async () => {
    const watcher = await watch();
    await watcher.next();
    await freeze(push);
    const last = await watcher.next();
    expect(last).toMatch(/^event: final\n/);
    expect(dataOf(last)).toMatchObject({ final: true });
    expect(await watcher.next()).toBeUndefined();
  });

  test('a key has at most ten streams, and none for a push of another app', async () => {
    const watchers = await Promise.all(Array.from({ length: 10 }, () => watch()));
    expect((await watch()).status).toBe(429);
    expect((await watch({}, `/v1/tasks/${taskId}`)).status).toBe(429);
    for (const watcher of watchers) watcher.stop();
    const other = await openShop(api);
    for (const path of [`/v1/pushes/${push.id}`, `/v1/tasks/${taskId}`]) {
      expect((await other.marketer.call('GET', `${path}/statistics/stream`)).status).toBe(404);
    }
  });

  test('a ticket opens its stream for a browser, for a minute, while its key is valid', async () => {
    const path = `/v1/tasks/${taskId}/statistics/stream`;
    const ask = (body: object) => shop.marketer.call('POST', '/v1/stream-tickets', body);
    const { status, body } = await ask({ path });
    expect(status).toBe(201);
    const { ticket, url } = body as { ticket: string; url: string };
    expect(url).toBe(`${path}?ticket=${ticket}`);
    const watcher = await watchEvents(`${await listening()}${url}`, {});
    expect(watcher.status).toBe(200);
    expect(dataOf(await watcher.next())).toMatchObject({ pushes: 1 });
    watcher.stop();
    const open = async (at: string) => (await api.app.inject({ method: 'GET', url: at })).statusCode;
    expect(await open(`/v1/pushes/${push.id}/statistics/stream?ticket=${ticket}`)).toBe(401);
    expect(await open(`/v1/tasks/${taskId}?ticket=${ticket}`)).toBe(401);
    expect(await open(`${path}?ticket=${ticket.slice(0, -2)}AA`)).toBe(401);
    const credential = api.deps.vault.seal('{"key":"of a push service"}').toString('base64url');
    expect(await open(`${path}?ticket=${credential}`)).toBe(401);
    api.clock.advance(60_000);
    expect(await open(url)).toBe(401);
    const next = (await ask({ path })).body as { url: string };
    const keys = api.deps.db.updateTable('keys').set({ revoked_at: api.clock.now });
    await keys.where('person_id', '=', shop.marketer.personId).execute();
    expect(await open(next.url)).toBe(401);
  });

  test.each([
    '/v1/tasks',
    '/v1/tasks/x/statistics/stream',
    'https://a.example/v1',
    '//a/v1/tasks',
  ])('%s gets no ticket', async (path) => {
    expect((await shop.marketer.call('POST', '/v1/stream-tickets', { path })).status).toBe(400);
  });

  test('a task stream sends the changes of all its pushes, and ends once all are final and no more can come', async () => {
    const second = await pushOf(2);
    const path = `/v1/tasks/${taskId}`;
    const watcher = await watch({}, path);
    expect(dataOf(await watcher.next())).toMatchObject({
      pushes: 2,
      statistics: { planned: 10, opens: null },
    });
    await report(1, 'open', second);
    expect(dataOf(await watcher.next())).toMatchObject({ finalPushes: 0, statistics: { opens: 1 } });
    await freeze(push);
    expect(dataOf(await watcher.next())).toMatchObject({ finalPushes: 1 });
    await freeze(second);
    const frozen = await watcher.next();
    expect(frozen).toMatch(/^event: statistics\n/);
    await api.deps.db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', taskId).execute();
    const last = await watcher.next();
    expect(last).toMatch(/^event: final\n/);
    expect(dataOf(last)).toMatchObject({ ...dataOf(frozen), asOf: expect.anything(), finalPushes: 2 });
    expect(await watcher.next()).toBeUndefined();
    expect(await (await watch({ 'last-event-id': idOf(last) }, path)).next()).toBeUndefined();
  });
});
