import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeMessageId } from '../domain/receipts/message-id.ts';
import type { SeededPush } from '../test/fixtures/ledger-fixture.ts';
import { createTestApp, useServer, useTestApi } from '../test/fixtures/test-api.ts';
import { fixture } from '../test/setup/fixture.ts';
import { ONE_TAP_MS } from './taps.ts';
import { createWorld } from './testing/fake-server.ts';
import { recover, runWithFaults, Steps } from './testing/fault-injection.ts';
import { createPhone, loseAnswers, type Phone } from './testing/phone.ts';
import { pushTo } from './testing/push.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));
const server = useServer(api);
let phone: Phone;
let push: SeededPush;
beforeEach(async () => {
  phone = createPhone({ endpoint: server.url, sdkKey: app.keys.sdk });
  push = await pushTo(api, app.appId, 'android');
});
afterEach(() => {
  phone.quit();
  vi.unstubAllGlobals();
});

const fcmToken = 'fcm-token-of-the-phone-0001';
const messageId = (n: number) => encodeMessageId(api.deps.messageMac, { pushNo: push.no, deliveryNo: n });
const figures = async () =>
  (await app.call('marketer', 'GET', `/v1/pushes/${push.id}/statistics`)).json().statistics;

test('reports that are made twice, or whose answer is lost, count once', async () => {
  const signalbox = phone.start();
  loseAnswers(2);
  await signalbox.delivered(messageId(1));
  await signalbox.impression(messageId(1));
  await signalbox.opened(messageId(1));
  await signalbox.opened(messageId(1));
  await signalbox.delivered(messageId(2), { blocked: true });
  await signalbox.flush();
  await expect
    .poll(async () => {
      phone.comeToFront();
      return await figures();
    })
    .toMatchObject({ deliveries: 2, impressions: 1, opens: 1, taps: 1 });
  await expect.poll(() => [...phone.stored.values()].join()).toContain('"outbox":[]');
  expect(await figures()).toMatchObject({ deliveries: 2, impressions: 1, opens: 1, taps: 1 });
});

test('under failures and crashes the server counts each tap exactly once', async () => {
  const { fetch } = globalThis;
  await fc.assert(
    fc.asyncProperty(Steps, async (steps) => {
      push = await pushTo(api, app.appId, 'android');
      const world = createWorld(fetch);
      const open = (more = {}) => world.open({ ...more, endpoint: server.url, sdkKey: app.keys.sdk });
      const messageIdOf = (no: number) => {
        world.server.now += ONE_TAP_MS;
        return messageId(1 + (no % 5));
      };
      const named = await runWithFaults(world, steps, { open, messageId: messageIdOf });
      await recover(world, open());
      const taps = named.taps - named.refused();
      const { rows } = await api.deps.pool.query(
        'select coalesce(sum(taps), 0)::int as taps, count(open_at)::int as opens from deliveries where push_no = $1',
        [push.no],
      );
      expect(rows[0].taps).toBe(taps);
      if (named.refused() === 0) expect(rows[0].opens).toBe(Math.min(5, taps));
    }),
    { numRuns: 12 },
  );
});

test('reports stored before the app was killed are sent when it runs again', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Network request failed')));
  await phone.start().opened(messageId(3));
  phone.quit();
  vi.unstubAllGlobals();
  phone.start();
  await expect.poll(figures).toMatchObject({ opens: 1 });
});

test('"clear all" counts no dismissal, and a notification closed alone counts one', async () => {
  const signalbox = phone.start();
  for (const n of [1, 2, 3]) await signalbox.dismissed(messageId(n));
  await expect.poll(() => [...phone.stored.values()].join()).toContain('"held":[]');
  await signalbox.dismissed(messageId(4));
  await expect.poll(figures).toMatchObject({ dismissals: 1 });
});

test('a report that the server will never count is named, and not sent again', async () => {
  const signalbox = phone.start();
  await signalbox.opened('of-another-app');
  await signalbox.opened(messageId(1));
  await signalbox.flush();
  expect(phone.problems).toMatchObject([
    { kind: 'refused', reason: 'unknown', item: { body: { messageId: 'of-another-app' } } },
  ]);
  expect(await figures()).toMatchObject({ opens: 1 });
  expect([...phone.stored.values()].join()).toContain('"outbox":[]');
});

test('events are stored once, for the device that reports them', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  loseAnswers(1);
  await signalbox.track('purchase', { price: 9.5, currency: 'EUR' });
  await signalbox.flush();
  vi.unstubAllGlobals();
  phone.comeToFront();
  const events = async () =>
    (
      await api.deps.pool.query(
        `select d.device_id, n.name, e.properties from events e join event_names n on n.no = e.name_no
          join devices d on d.no = e.device_no where e.app_id = $1`,
        [app.appId],
      )
    ).rows;
  await expect.poll(() => [...phone.stored.values()].join()).toContain('"outbox":[]');
  expect(await events()).toEqual([
    { device_id: deviceId, name: 'purchase', properties: { price: 9.5, currency: 'EUR' } },
  ]);
});

test('an event that the server refuses is named with its place, and the others count', async () => {
  const signalbox = phone.start();
  await signalbox.register({ platform: 'android', token: fcmToken });
  await signalbox.track('before');
  await signalbox.track('nested', { cart: { items: 2 } as never });
  await signalbox.track('half', { text: '\ud800' });
  await signalbox.track('');
  await signalbox.track('huge', { text: 'x'.repeat(700_000) });
  await signalbox.track('after', { nan: Number.NaN, at: new Date(0) as never, none: undefined as never });
  await signalbox.flush();
  const named = phone.problems.flatMap((one) => (one.kind === 'refused' ? [one.reason] : [one.kind]));
  expect(named).toEqual([
    expect.stringContaining('has 700'),
    expect.stringMatching(/^properties\.cart: must be text of at most 500 characters, a number/),
    expect.stringMatching(/^properties/),
    expect.stringMatching(/^name: must be 1 to 100 characters/),
  ]);
  const { rows } = await api.deps.pool.query(
    `select n.name, e.properties from events e join event_names n on n.no = e.name_no where e.app_id = $1`,
    [app.appId],
  );
  expect(rows).toHaveLength(2);
  expect(rows).toContainEqual({ name: 'after', properties: { nan: null, at: '1970-01-01T00:00:00.000Z' } });
  expect([...phone.stored.values()].join()).toContain('"outbox":[]');
});

test('a wrong key is reported through onError, and no report is lost', async () => {
  await phone.start({ endpoint: server.url, sdkKey: `${app.keys.sdk.slice(0, -3)}AAA` }).opened(messageId(5));
  await expect.poll(() => phone.problems[0]).toMatchObject({ kind: 'request', fault: { status: 401 } });
  phone.quit();
  phone.start();
  await expect
    .poll(async () => {
      phone.comeToFront();
      return await figures();
    })
    .toMatchObject({ opens: 1 });
});
