import fc from 'fast-check';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createTestApp, startTestApi, type TestApi, type TestApp } from '../api/testing.ts';
import { type SeededPush, seedPerson, seedPush, seedTask } from '../db/ledger-fixture.ts';
import { encodeMessageId } from '../domain/message-id.ts';
import { createSignalbox, type Signalbox, type SignalboxProblem } from './react-native.ts';
import { createWorld } from './testing/fake-server.ts';
import { Mishaps, recover, suffer } from './testing/mishaps.ts';

let api: TestApi;
let endpoint: string;
let app: TestApp;
let push: SeededPush;
let phone: ReturnType<typeof createPhone>;
beforeAll(async () => {
  api = await startTestApi();
  endpoint = await api.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => api.stop());
beforeEach(async () => {
  app = await createTestApp(api);
  push = await pushTo(app.appId);
  phone = createPhone();
});
afterEach(() => {
  phone.quit();
  vi.unstubAllGlobals();
});

async function pushTo(appId: string): Promise<SeededPush> {
  const { db } = api.deps;
  const startedAt = new Date(api.clock.now.getTime() - 60_000);
  const { personId } = await seedPerson(db, startedAt, appId);
  const taskId = await seedTask(db, { appId, personId, now: startedAt });
  const deliveries = Array.from({ length: 5 }, () => ({ status: 'accepted', platform: 'android' }) as const);
  return await seedPush(db, { appId, taskId, startedAt, deliveries });
}

/** A phone with React Native: its storage stays when the app is started again. */
function createPhone() {
  const stored = new Map<string, string>();
  const storage = {
    getItem: async (key: string) => stored.get(key) ?? null,
    setItem: async (key: string, value: string) => void stored.set(key, value),
  };
  const problems: SignalboxProblem[] = [];
  const running: Signalbox[] = [];
  let tell: (state: string) => void = () => undefined;
  const appState = {
    addEventListener: (_type: 'change', listener: (state: string) => void) => {
      tell = listener;
      return { remove: () => undefined };
    },
  };
  return {
    stored,
    problems,
    start: () => {
      const onError = (problem: SignalboxProblem) => void problems.push(problem);
      const signalbox = createSignalbox({ endpoint, sdkKey: app.keys.sdk, storage, appState, onError });
      running.push(signalbox);
      return signalbox;
    },
    comeToFront: () => tell('active'),
    quit: () => {
      for (const signalbox of running.splice(0)) signalbox.close();
    },
  };
}

const messageId = (n: number) => encodeMessageId(api.deps.messageMac, { pushNo: push.no, n });
const fcmToken = 'fcm-token-of-the-phone-0001';
const figures = async () =>
  (await app.call('marketer', 'GET', `/v1/pushes/${push.id}/statistics`)).json().statistics;
const device = async (id: string) => (await app.call('marketer', 'GET', `/v1/devices/${id}`)).json();

/** The request is made, and its answer does not arrive. */
function loseAnswers(times: number): void {
  const { fetch } = globalThis;
  let left = times;
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (left-- <= 0) return response;
    throw new TypeError('Network request failed');
  });
}

test('a phone registers, and what it says of it later changes it', async () => {
  const signalbox = phone.start();
  const { deviceId, isRegistered } = await signalbox.register({
    platform: 'android',
    token: fcmToken,
    locale: 'de',
  });
  expect(isRegistered).toBe(true);
  expect(await device(deviceId)).toMatchObject({ platform: 'android', locale: 'de', tokenState: 'active' });
  await signalbox.refresh({ tags: ['vip'] });
  await signalbox.unsubscribe();
  const changed = await device(deviceId);
  expect([changed.tags, changed.locale]).toEqual([['vip'], 'de']);
  expect(changed.unsubscribedAt).not.toBeNull();
  await signalbox.resubscribe();
  expect((await device(deviceId)).unsubscribedAt).toBeNull();
});

test('the user of a phone is whoever the backend signed for', async () => {
  const secret = 'a secret of the backend, long enough';
  await app.call('operator', 'PUT', '/v1/app/user-token-keys/k1', { alg: 'HS256', secret });
  const token = await new SignJWT({ sub: 'user-1', aud: app.appId })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .setExpirationTime(Math.floor(api.clock.now.getTime() / 1_000) + 60)
    .sign(Buffer.from(secret));
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  expect(await signalbox.bindUser(token)).toMatchObject({ isRegistered: true });
  expect((await device(deviceId)).userId).toBe('user-1');
  await expect(signalbox.bindUser(`${token}x`)).rejects.toThrow('invalid_user_token');
  await signalbox.bindUser(null);
  expect((await device(deviceId)).userId).toBeNull();
});

test('started again it is the same device', async () => {
  const first = await phone.start().register({ platform: 'android', token: fcmToken });
  phone.quit();
  const second = await phone.start().register({ platform: 'android', token: fcmToken, appVersion: '2.0' });
  expect(second).toEqual(first);
  expect(await device(first.deviceId)).toMatchObject({ appVersion: '2.0', tokenState: 'active' });
});

test('a registration whose answer was lost is completed, without a second device', async () => {
  loseAnswers(1);
  const { deviceId, isRegistered } = await phone.start().register({ platform: 'android', token: fcmToken });
  expect(isRegistered).toBe(false);
  phone.comeToFront();
  const signalbox = phone.start();
  await expect.poll(async () => (await signalbox.refresh({ locale: 'fr' })).isRegistered).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'fr' });
  const { rows } = await api.deps.pool.query('select 1 from devices where app_id = $1', [app.appId]);
  expect(rows).toHaveLength(1);
});

test('a phone that lost its secret becomes a new device, and the token goes with it', async () => {
  const { deviceId } = await phone.start().register({ platform: 'android', token: fcmToken });
  phone.quit();
  for (const [key, text] of phone.stored) phone.stored.set(key, text.replace(/"sbd_\w+"/, '"sbd_wrong"'));
  const signalbox = phone.start();
  await signalbox.register({ platform: 'android', token: fcmToken });
  await expect.poll(async () => (await signalbox.refresh({})).isRegistered).toBe(true);
  const { deviceId: newId } = await signalbox.refresh({});
  expect(newId).not.toBe(deviceId);
  expect([(await device(deviceId)).tokenState, (await device(newId)).tokenState]).toEqual([
    'replaced',
    'active',
  ]);
});

test('a phone that the server has forgotten registers anew, under its ID', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken, tags: ['vip'] });
  await api.deps.pool.query('delete from devices where device_id = $1', [deviceId]);
  await signalbox.refresh({ locale: 'it' });
  await expect.poll(async () => (await signalbox.refresh({})).isRegistered).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'it', tags: ['vip'], tokenState: 'active' });
});

test('a wrong address of the API costs no phone its identity', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => fetch(url.replace('/v1/', '/v0/'), init));
  await signalbox.refresh({ locale: 'it' });
  await expect.poll(() => signalbox.refresh({}).catch(String)).toContain('not_found');
  vi.unstubAllGlobals();
  await expect.poll(async () => (await signalbox.refresh({})).isRegistered).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'it', tokenState: 'active' });
});

test('a device that the server refuses is refused in words, and tried again when it says something else', async () => {
  const signalbox = phone.start();
  await expect(signalbox.register({ platform: 'android', token: 'ab' })).rejects.toThrow('/token');
  expect(phone.problems).toMatchObject([{ kind: 'device', fault: { status: 400 } }]);
  expect(await signalbox.register({ platform: 'android', token: fcmToken })).toMatchObject({
    isRegistered: true,
  });
});

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
    .toMatchObject({ deliveries: 2, impressions: 1, opens: 1, taps: 2 });
  await expect.poll(() => [...phone.stored.values()].join()).toContain('"outbox":[]');
  expect(await figures()).toMatchObject({ deliveries: 2, impressions: 1, opens: 1, taps: 2 });
});

test('whatever fails and crashes, the server counts each tap exactly once', async () => {
  const { fetch } = globalThis;
  await fc.assert(
    fc.asyncProperty(Mishaps, async (steps) => {
      push = await pushTo(app.appId);
      const world = createWorld(fetch);
      const open = () => world.open({ endpoint, sdkKey: app.keys.sdk });
      const taps = await suffer(world, steps, { open, messageId: (no) => messageId(1 + (no % 5)) });
      await recover(world, open());
      const { rows } = await api.deps.pool.query(
        'select coalesce(sum(taps), 0)::int as taps, count(open_at)::int as opens from deliveries where push_no = $1',
        [push.no],
      );
      expect(rows).toEqual([{ taps, opens: Math.min(5, taps) }]);
    }),
    { numRuns: 12 },
  );
});

test('what was said before the app was killed is sent when it runs again', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Network request failed')));
  await phone.start().opened(messageId(3));
  phone.quit();
  vi.unstubAllGlobals();
  phone.start();
  await expect.poll(figures).toMatchObject({ opens: 1 });
});

test('"clear all" is no dismissal; one that is closed alone is', async () => {
  const signalbox = phone.start();
  for (const n of [1, 2, 3]) await signalbox.dismissed(messageId(n));
  await expect.poll(() => [...phone.stored.values()].join()).toContain('"held":[]');
  await signalbox.dismissed(messageId(4));
  await expect.poll(figures).toMatchObject({ dismissals: 1 });
});

test('what the server will never count is named, and not sent again', async () => {
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

test('a wrong key is said, and nothing is lost by it', async () => {
  const key = app.keys.sdk;
  const wrong = { ...app.keys, sdk: `${key.slice(0, -3)}AAA` };
  const good = app;
  app = { ...app, keys: wrong };
  await phone.start().opened(messageId(5));
  await expect.poll(() => phone.problems).toMatchObject([{ kind: 'request', fault: { status: 401 } }]);
  phone.quit();
  app = good;
  phone.start();
  await expect
    .poll(async () => {
      phone.comeToFront();
      return await figures();
    })
    .toMatchObject({ opens: 1 });
});

test('no secret is in what the app hears', async () => {
  const signalbox = phone.start();
  const registration = await signalbox.register({ platform: 'android', token: fcmToken });
  await signalbox.refresh({ timeZone: 'Nowhere' }).catch(() => undefined);
  const secret = /sbd_\w+/.exec([...phone.stored.values()].join())?.[0] ?? 'none';
  expect(JSON.stringify([registration, phone.problems])).not.toContain(secret);
  expect(phone.problems).toHaveLength(1);
});
