import { createECDH } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestApp, useServer, useTestApi } from '../test/fixtures/test-api.ts';
import { fixture } from '../test/setup/fixture.ts';
import type { Signalbox } from './react-native.ts';
import { createPhone, loseAnswers, type Phone } from './testing/phone.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));
const server = useServer(api);
let phone: Phone;

beforeEach(async () => {
  phone = createPhone({ endpoint: server.url, sdkKey: app.keys.sdk });
});
afterEach(() => {
  phone.quit();
  vi.unstubAllGlobals();
});

const fcmToken = 'fcm-token-of-the-phone-0001';
const device = async (id: string) => (await app.call('marketer', 'GET', `/v1/devices/${id}`)).json();

test('a phone registers, and its later changes reach the server', async () => {
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

async function userToken(): Promise<string> {
  const secret = 'a secret of the backend, long enough';
  await app.call('operator', 'PUT', '/v1/app/user-token-keys/k1', { alg: 'HS256', secret });
  return new SignJWT({ sub: 'user-1', aud: app.appId })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .setExpirationTime(Math.floor(api.clock.now.getTime() / 1_000) + 60)
    .sign(Buffer.from(secret));
}

test("the user of a phone is the one in the backend's signed token", async () => {
  const token = await userToken();
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  expect(await signalbox.bindUser(token)).toMatchObject({ isRegistered: true });
  expect((await device(deviceId)).userId).toBe('user-1');
  await expect(signalbox.bindUser(`${token}x`)).rejects.toThrow('invalid_user_token');
  await signalbox.bindUser(null);
  expect((await device(deviceId)).userId).toBeNull();
});

test('an app that starts again is the same device', async () => {
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
  await expect.poll(async () => (await signalbox.refresh({ locale: 'fr' })).isUpToDate).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'fr' });
  const { rows } = await api.deps.pool.query('select 1 from devices where app_id = $1', [app.appId]);
  expect(rows).toHaveLength(1);
});

test('a phone that lost its secret becomes a new device, and its token and its opt-out go with it', async () => {
  const before = phone.start();
  const { deviceId } = await before.register({ platform: 'android', token: fcmToken });
  await before.unsubscribe();
  phone.quit();
  for (const [key, text] of phone.stored) phone.stored.set(key, text.replace(/"sbd_\w+"/, '"sbd_wrong"'));
  const signalbox = phone.start();
  await signalbox.register({ platform: 'android', token: fcmToken });
  await expect.poll(async () => (await signalbox.refresh({})).isUpToDate).toBe(true);
  const { deviceId: newId } = await signalbox.refresh({});
  expect(newId).not.toBe(deviceId);
  expect((await device(newId)).unsubscribedAt).not.toBeNull();
  expect([(await device(deviceId)).tokenState, (await device(newId)).tokenState]).toEqual([
    'replaced',
    'active',
  ]);
});

test('a phone that the server has forgotten registers again, under its ID', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken, tags: ['vip'] });
  await api.deps.pool.query('delete from devices where device_id = $1', [deviceId]);
  await signalbox.refresh({ locale: 'it' });
  await expect.poll(async () => (await signalbox.refresh({})).isUpToDate).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'it', tags: ['vip'], tokenState: 'active' });
});

test('a forgotten phone is opted out and bound to its user again before it gives its address', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  await signalbox.bindUser(await userToken());
  await signalbox.unsubscribe();
  await api.deps.pool.query('delete from devices where device_id = $1', [deviceId]);
  const told: string[] = [];
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    told.push(
      `${init.method} ${new URL(url).pathname.split('/')[4] ?? ''} ${String(init.body).includes(fcmToken)}`,
    );
    return fetch(url, init);
  });
  await signalbox.refresh({ locale: 'it' });
  await expect.poll(async () => (await signalbox.refresh({})).isUpToDate).toBe(true);
  const again = await device(deviceId);
  expect(again).toMatchObject({ locale: 'it', userId: 'user-1', tokenState: 'active' });
  expect(again.unsubscribedAt).not.toBeNull();
  const first = told.indexOf('POST  false');
  expect(told.slice(first, first + 3)).toEqual(['POST  false', 'POST unsubscribe false', 'PUT  true']);
});

test('a wrong address of the API does not change the identity of a phone', async () => {
  const signalbox = phone.start();
  const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => fetch(url.replace('/v1/', '/v0/'), init));
  await signalbox.refresh({ locale: 'it' });
  await expect.poll(() => signalbox.refresh({}).catch(String)).toContain('not_found');
  vi.unstubAllGlobals();
  await expect.poll(async () => (await signalbox.refresh({})).isUpToDate).toBe(true);
  expect(await device(deviceId)).toMatchObject({ locale: 'it', tokenState: 'active' });
});

test("a refused device rejects with the server's reason, and registers once the app changes a field", async () => {
  const signalbox = phone.start();
  await expect(signalbox.register({ platform: 'android', token: 'ab' })).rejects.toThrow('/token');
  expect(phone.problems).toMatchObject([{ kind: 'device', fault: { status: 400 } }]);
  expect(await signalbox.register({ platform: 'android', token: fcmToken })).toMatchObject({
    isRegistered: true,
  });
});

describe('a field that the server refuses', () => {
  const keys = createECDH('prime256v1');
  const subscription = {
    // Edge on Android gives this address where it has no push service.
    endpoint: 'https://permanently-removed.invalid/fcm/send/a',
    keys: { p256dh: keys.generateKeys('base64url'), auth: Buffer.alloc(16, 7).toString('base64url') },
  };

  test.each([
    ['/timeZone', { timeZone: 'No/Where' }],
    ['/locale', { locale: 'x'.repeat(99) }],
    ['/tags/1', { tags: ['vip', ''] }],
    ['/appVersion', { appVersion: 'x'.repeat(99) }],
    ['/attributes/a~1b', { attributes: { plan: 'pro', 'a/b': { deep: 1 } as never } }],
    ['/attributes/half', { attributes: { plan: 'pro', half: '\ud800' } }],
    ['/identifiers/idfv', { identifiers: { idfv: 'no', customId: 'c-1' } }],
    ['/nickname', { nickname: 'Ann' }],
  ])('is left out and named, and the device registers: %s', async (pointer, fields) => {
    const signalbox = phone.start();
    const registration = await signalbox.register({ platform: 'android', token: fcmToken, ...fields });
    expect(registration).toMatchObject({ isRegistered: true, isUpToDate: true });
    expect(phone.problems).toMatchObject([{ kind: 'device', fault: { pointers: [pointer] } }]);
    const stored = await device(registration.deviceId);
    expect(stored.tokenState).toBe('active');
    if (pointer.startsWith('/attributes')) expect(stored.attributes).toEqual({ plan: 'pro' });
  });

  test('is left out of a later change, and not sent again', async () => {
    const signalbox = phone.start();
    const { deviceId } = await signalbox.register({ platform: 'android', token: fcmToken });
    await signalbox.refresh({ locale: 'it', appVersion: 'x'.repeat(99) });
    expect(await device(deviceId)).toMatchObject({ locale: 'it', appVersion: null });
    await signalbox.refresh({ tags: ['vip'] });
    expect(phone.problems).toMatchObject([{ fault: { pointers: ['/appVersion'] } }]);
  });

  test('costs a browser its address, and not its registration', async () => {
    const address = { kind: 'web_push', subscription } as const;
    const { deviceId, isRegistered } = await phone.start().register({ platform: 'web', address });
    expect(isRegistered).toBe(true);
    expect(await device(deviceId)).toMatchObject({ platform: 'web', tokenState: 'none' });
    expect(phone.problems).toMatchObject([
      { kind: 'device', fault: { detail: expect.stringContaining('permanently-removed.invalid') } },
    ]);
  });
});

test('no secret is in the problems that the app receives', async () => {
  const signalbox = phone.start();
  const registration = await signalbox.register({ platform: 'android', token: fcmToken });
  await signalbox.refresh({ tags: [''] });
  const secret = /sbd_\w+/.exec([...phone.stored.values()].join())?.[0] ?? 'none';
  expect(JSON.stringify([registration, phone.problems])).not.toContain(secret);
  expect(phone.problems).toHaveLength(1);
});

test('the object has exactly what its type shows', () => {
  const shown: Record<keyof Signalbox, true> = {
    register: true,
    refresh: true,
    bindUser: true,
    unsubscribe: true,
    resubscribe: true,
    track: true,
    delivered: true,
    impression: true,
    opened: true,
    dismissed: true,
    flush: true,
    waiting: true,
    close: true,
  };
  expect(Object.keys(phone.start()).sort()).toEqual(Object.keys(shown).sort());
});
