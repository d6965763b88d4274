import { createECDH } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

const DAY = 24 * 3_600_000;
const HUAWEI = 'IQAAAACy0kjVAAD4pK9';
const token = (letter: string) => letter.repeat(64);
const ecdh = createECDH('prime256v1');
const browser = (path: string) => ({
  endpoint: `https://updates.push.services.mozilla.com/wpush/v2/${path}`,
  expirationTime: null,
  keys: { p256dh: ecdh.generateKeys('base64url'), auth: Buffer.alloc(16, 1).toString('base64url') },
});
const register = (body: object, headers = {}) => app.call('sdk', 'POST', '/v1/devices', body, headers);
const read = async (id: string) => (await app.call('marketer', 'GET', `/v1/devices/${id}`)).json();
const history = async (id: string) =>
  (await app.call('marketer', 'GET', `/v1/devices/${id}/tokens`)).json().items;
const proofOf = async (body: object) => ({ 'x-device-secret': (await register(body)).json().secret });

test('a browser registers its subscription; its keys are shown to nobody', async () => {
  const subscription = browser('one');
  const made = await register({
    deviceId: 'w',
    platform: 'web',
    address: { kind: 'web_push', subscription },
  });
  expect(made.statusCode).toBe(201);
  const answer = await app.call('marketer', 'GET', '/v1/devices/w');
  expect(answer.json()).toMatchObject({
    channel: 'web_push',
    addressKind: 'web_push',
    tokenState: 'no_sender',
  });
  expect(answer.body).not.toContain(subscription.keys.auth);
});

test('an OEM registration ID and a Firebase installation ID are kinds of their own', async () => {
  await register({ deviceId: 'h', platform: 'android', address: { kind: 'huawei', token: HUAWEI } });
  expect(await read('h')).toMatchObject({
    channel: 'huawei',
    addressKind: 'huawei',
    tokenState: 'no_sender',
  });
  const address = { kind: 'fcm_installation_id', token: 'cQyWi7ZdT0m4hX1vR9pLsA' };
  await register({ deviceId: 'f', platform: 'android', address });
  expect(await read('f')).toMatchObject({ channel: 'fcm', addressKind: 'fcm_installation_id' });
});

test('an address without a sender also belongs to the device that registered it last', async () => {
  const address = { kind: 'huawei', token: HUAWEI };
  await register({ deviceId: 'old', platform: 'android', address });
  await register({ deviceId: 'new', platform: 'android', address });
  expect([(await read('old')).tokenState, (await read('new')).tokenState]).toEqual(['replaced', 'no_sender']);
});

test('an APNs token in another case is the same: registered, refreshed or imported', async () => {
  const one = 'ab'.repeat(32);
  const ios = (deviceId: string, text: string) => ({ deviceId, platform: 'ios', token: text });
  const proof = await proofOf(ios('a', token('c')));
  await register(ios('b', one.toUpperCase()));
  await app.call('sdk', 'PUT', '/v1/devices/a', { token: one }, proof);
  expect([(await read('a')).tokenState, (await read('b')).tokenState]).toEqual(['active', 'replaced']);
  await register({
    deviceId: 'd',
    platform: 'ios',
    address: { kind: 'apns_token', token: one.toUpperCase() },
  });
  expect([(await read('a')).tokenState, (await read('d')).tokenState]).toEqual(['replaced', 'active']);
  const file = Buffer.from(`device_id,platform,token\ne,ios,${one}`);
  await app.call('operator', 'POST', '/v1/devices/import', file, { 'content-type': 'text/csv' });
  expect([(await read('d')).tokenState, (await read('e')).tokenState]).toEqual(['replaced', 'active']);
});

test('a device may change the kind of its address, and a bare token has the current kind', async () => {
  const proof = await proofOf({ deviceId: 'a', platform: 'android', token: 'x'.repeat(30) });
  const put = (body: object) => app.call('sdk', 'PUT', '/v1/devices/a', body, proof);
  expect((await put({ address: { kind: 'honor', token: HUAWEI } })).json()).toMatchObject({
    channel: 'honor',
  });
  expect((await put({ token: `${HUAWEI}2` })).json()).toMatchObject({
    channel: 'honor',
    tokenState: 'no_sender',
  });
  expect((await put({ locale: 'zh-CN' })).json()).toMatchObject({
    channel: 'honor',
    tokenState: 'no_sender',
  });
});

test.each([
  ['a kind of another platform', { address: { kind: 'apns_token', token: token('a') } }, '/address/kind'],
  ['a malformed installation ID', { address: { kind: 'fcm_installation_id', token: 'x' } }, '/address/token'],
  [
    'a token beside an address',
    { token: 'x'.repeat(30), address: { kind: 'huawei', token: HUAWEI } },
    '/token',
  ],
  ['an unknown kind', { address: { kind: 'pigeon', token: 'x' } }, '/address/kind'],
  ['an unknown identifier', { identifiers: { imei: '1' } }, '/identifiers/imei'],
])('%s is refused with its place', async (_what, fault, pointer) => {
  const answer = await register({ deviceId: 'bad', platform: 'android', ...fault });
  expect(answer.json()).toMatchObject({ status: 400 });
  expect(answer.json().errors.map((one: { pointer: string }) => one.pointer)).toContain(pointer);
});

test.each([
  ['an endpoint outside the browser services', { endpoint: 'https://internal.example/x' }, 'endpoint'],
  ['an endpoint that was withdrawn', { endpoint: 'https://permanently-removed.invalid/x' }, 'endpoint'],
  ['a short secret', { keys: { ...browser('x').keys, auth: 'x' } }, 'keys/auth'],
])('a subscription with %s is left out, so that nobody can aim the engine elsewhere', async (_what, odd, at) => {
  const address = { kind: 'web_push', subscription: { ...browser('x'), ...odd } };
  const answer = await register({ deviceId: 'w', platform: 'web', locale: 'pt_BR', address });
  expect([answer.statusCode, answer.json().warnings]).toMatchObject([
    201,
    [{ pointer: `/address/subscription/${at}`, code: 'invalid_subscription' }],
  ]);
  expect(await read('w')).toMatchObject({ tokenState: 'none', locale: 'pt-BR' });
});

test('every ended token is listed with its reason, never as itself', async () => {
  const proof = await proofOf({ deviceId: 'd', platform: 'ios', token: token('a') });
  await app.call('sdk', 'PUT', '/v1/devices/d', { token: token('b') }, proof);
  await api.deps.db
    .updateTable('devices')
    .set({ token_state: 'invalid', invalid_reason: 'Unregistered' })
    .where('app_id', '=', app.appId)
    .execute();
  await app.call('sdk', 'PUT', '/v1/devices/d', { token: token('c') }, proof);
  await register({ deviceId: 'thief', platform: 'ios', token: token('c') });
  await app.call('sdk', 'PUT', '/v1/devices/d', { token: token('e') }, proof);
  await app.call('sdk', 'PUT', '/v1/devices/d', { token: null }, proof);
  const periods = await history('d');
  expect(periods.map((one: { state: string; reason: string }) => [one.state, one.reason])).toEqual([
    ['replaced', 'removed'],
    ['replaced', 'registered_by_another_device'],
    ['invalid', 'Unregistered'],
    ['replaced', 'new_token'],
  ]);
  expect(JSON.stringify(periods)).not.toContain(token('a'));
  expect(await history('thief')).toMatchObject([{ state: 'active', endedAt: null }]);
});

test('a device keeps the last twenty of its ended tokens', async () => {
  const proof = await proofOf({ deviceId: 'd', platform: 'ios', token: token('a') });
  for (let i = 0; i < 25; i++) {
    const next = i.toString(16).padStart(64, '0');
    await app.call('sdk', 'PUT', '/v1/devices/d', { token: next }, proof);
  }
  expect(await history('d')).toHaveLength(21);
});

test('a token of a device that was not seen for 30 days is stale until the device comes back', async () => {
  const proof = await proofOf({ deviceId: 'd', platform: 'ios', token: token('a') });
  api.clock.advance(30 * DAY);
  expect((await read('d')).tokenState).toBe('active');
  api.clock.advance(1);
  expect((await read('d')).tokenState).toBe('stale');
  expect(await history('d')).toMatchObject([{ state: 'stale' }]);
  await app.call('sdk', 'PUT', '/v1/devices/d', {}, proof);
  expect((await read('d')).tokenState).toBe('active');
});

test('a device that changes too often is limited, and neither strangers nor other devices share its limit', async () => {
  const proof = await proofOf({ deviceId: 'busy', platform: 'ios' });
  const statuses: number[] = [];
  for (let i = 0; i < 130; i++) await app.call('sdk', 'PUT', '/v1/devices/busy', {});
  expect((await app.call('sdk', 'PUT', '/v1/devices/busy', {}, proof)).statusCode).toBe(200);
  for (let i = 0; i < 125; i++) {
    statuses.push((await app.call('sdk', 'PUT', '/v1/devices/busy', {}, proof)).statusCode);
  }
  expect(statuses.filter((status) => status === 200).length).toBeLessThan(121);
  expect(statuses.at(-1)).toBe(429);
  expect((await register({ deviceId: 'calm', platform: 'ios' })).statusCode).toBe(201);
});
