import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

const apnsToken = (letter: string) => letter.repeat(64);
const device = (deviceId: string, more: object = {}) => ({
  deviceId,
  platform: 'ios',
  token: apnsToken('a'),
  ...more,
});
const register = (body: object, headers = {}) => app.call('sdk', 'POST', '/v1/devices', body, headers);
const read = async (id: string) => (await app.call('marketer', 'GET', `/v1/devices/${id}`)).json();

test('a device registers, and persons see it without its token', async () => {
  const profile = {
    timeZone: 'Asia/Tokyo',
    locale: 'ja-JP',
    appVersion: '1.2',
    tags: ['vip'],
    attributes: { age: 3 },
  };
  const made = await register(device('d1', profile));
  expect(made.statusCode).toBe(201);
  const secret = expect.stringMatching(/^sbd_[0-9A-Za-z]{43}$/);
  expect(made.json()).toEqual({ deviceId: 'd1', secret, warnings: [] });
  const answer = await app.call('marketer', 'GET', '/v1/devices/d1');
  expect(answer.json()).toMatchObject({ ...profile, platform: 'ios', channel: 'apns', tokenState: 'active' });
  expect(answer.body).not.toContain(apnsToken('a'));
});

test('an ID of all zeros, which devices without an ID share, is not a device ID', async () => {
  const answer = await register(device('00000000-0000-0000-0000-000000000000'));
  expect([answer.statusCode, answer.json().errors]).toEqual([
    400,
    [{ pointer: '/deviceId', detail: 'is all zeros, which devices report when they have no ID' }],
  ]);
});

test('registering a known device again needs its secret, and gives a new one', async () => {
  const { secret } = (await register(device('d1'))).json();
  expect((await register(device('d1'))).json().code).toBe('device_secret_required');
  expect((await register(device('d1'), { 'x-device-secret': 'sbd_guess' })).statusCode).toBe(403);
  const again = await register(device('d1', { token: apnsToken('b') }), { 'x-device-secret': secret });
  expect(again.statusCode).toBe(201);
  expect((await register(device('d1'), { 'x-device-secret': secret })).statusCode).toBe(403);
});

test('one of two simultaneous registrations of an unknown device wins', async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => register(device('race'))));
  const statuses = answers.map((answer) => answer.statusCode).toSorted();
  expect(statuses).toEqual([201, 403, 403, 403, 403, 403]);
});

test('a token belongs to the device that registered it last', async () => {
  await register(device('old'));
  await register(device('new'));
  expect([(await read('old')).tokenState, (await read('new')).tokenState]).toEqual(['replaced', 'active']);
});

test('devices that register one token at the same moment leave exactly one active', async () => {
  const ids = Array.from({ length: 8 }, (_, i) => `d${i}`);
  const answers = await Promise.all(ids.map((id) => register(device(id))));
  expect(answers.every((answer) => answer.statusCode === 201)).toBe(true);
  const states = await Promise.all(ids.map(async (id) => (await read(id)).tokenState));
  expect(states.filter((state) => state === 'active')).toHaveLength(1);
});

test('a refresh changes what it names and nothing else', async () => {
  const { secret } = (await register(device('d1', { timeZone: 'UTC', tags: ['a'] }))).json();
  const proof = { 'x-device-secret': secret };
  api.clock.advance(60_000);
  const moved = await app.call('sdk', 'PUT', '/v1/devices/d1', { timeZone: 'Asia/Tokyo' }, proof);
  expect(moved.json()).toMatchObject({ timeZone: 'Asia/Tokyo', tags: ['a'], tokenState: 'active' });
  expect(moved.json().lastActiveAt).toBe(api.clock.now.toISOString());
  const silent = await app.call('sdk', 'PUT', '/v1/devices/d1', { token: null }, proof);
  expect(silent.json().tokenState).toBe('none');
});

test('a device unsubscribes and resubscribes, and repeating it keeps the first time', async () => {
  const { secret } = (await register(device('d1'))).json();
  const proof = { 'x-device-secret': secret };
  const url = '/v1/devices/d1/unsubscribe';
  const first = (await app.call('sdk', 'POST', url, undefined, proof)).json().unsubscribedAt;
  api.clock.advance(1_000);
  expect((await app.call('sdk', 'POST', url, undefined, proof)).json().unsubscribedAt).toBe(first);
  expect((await app.call('sdk', 'DELETE', url, undefined, proof)).json().unsubscribedAt).toBeNull();
});

test('a device is neither refreshed nor unsubscribed without its secret', async () => {
  await register(device('d1'));
  expect((await app.call('sdk', 'PUT', '/v1/devices/d1', { timeZone: 'UTC' })).statusCode).toBe(403);
  expect((await app.call('sdk', 'POST', '/v1/devices/d1/unsubscribe')).statusCode).toBe(403);
  expect((await app.call('sdk', 'DELETE', '/v1/devices/d1/unsubscribe')).statusCode).toBe(403);
});

test('a repeated request with the same Idempotency-Key recovers a lost answer', async () => {
  const key = { 'idempotency-key': 'registration-0001' };
  const first = await register(device('d1'), key);
  const again = await register(device('d1'), key);
  expect(again.json()).toEqual(first.json());
  expect(again.headers['idempotency-replayed']).toBe('true');
});

test('a web device without a subscription has no token, and a bare token is refused with the reason', async () => {
  expect((await register({ deviceId: 'w', platform: 'web' })).statusCode).toBe(201);
  expect(await read('w')).toMatchObject({ channel: 'web_push', tokenState: 'none' });
  const answer = await register({ deviceId: 'w2', platform: 'web', token: 'x'.repeat(30) });
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ pointer: '/token' }] });
});

test.each([
  ['a user ID, which needs more than the SDK key', { userId: 'u' }, '/userId'],
  ['an unknown platform', { platform: 'symbian' }, '/platform'],
  ['a token that is not hexadecimal', { token: 'z'.repeat(64) }, '/token'],
  ['a short token', { token: 'ab' }, '/token'],
  ['a token of the other platform', { platform: 'android', token: 'ab' }, '/token'],
  ['an ID with a space', { deviceId: 'a b' }, '/deviceId'],
  ['an ID with NUL', { deviceId: 'a\0b' }, '/deviceId'],
])('%s is refused with its place', async (_what, fault, pointer) => {
  const answer = await register(device('bad', fault));
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ pointer }] });
});

const CASES: [string, object, object, string, string][] = [
  ['an unknown zone', { timeZone: 'Etc/Unknown' }, { timeZone: null }, '/timeZone', 'unknown_time_zone'],
  ['an abbreviation', { timeZone: 'IST' }, { timeZone: null }, '/timeZone', 'unknown_time_zone'],
  ['half an hour', { timeZone: 'GMT+05:30' }, { timeZone: null }, '/timeZone', 'unknown_time_zone'],
  ['a zone that is not text', { timeZone: 8 }, { timeZone: null }, '/timeZone', 'unknown_time_zone'],
  ['a word for a language', { locale: 'English' }, { locale: null }, '/locale', 'unknown_locale'],
  ['a number as version', { appVersion: 2.1 }, { appVersion: null }, '/appVersion', 'invalid_app_version'],
  ['a version with NUL', { appVersion: '1\0' }, { appVersion: null }, '/appVersion', 'invalid_app_version'],
  ['a list of attributes', { attributes: ['a'] }, { attributes: {} }, '/attributes', 'invalid_attribute'],
  [
    'a nested attribute',
    { attributes: { 'a/b': { c: 1 }, d: 1 } },
    { attributes: { d: 1 } },
    '/attributes/a~1b',
    'invalid_attribute',
  ],
  ['NUL', { attributes: { a: 'x\0', d: 1 } }, { attributes: { d: 1 } }, '/attributes/a', 'invalid_attribute'],
  ['half a pair', { attributes: { a: '\udc00' } }, { attributes: {} }, '/attributes/a', 'invalid_attribute'],
  ['tags that are text', { tags: 'a' }, { tags: [] }, '/tags', 'invalid_tag'],
  ['an odd tag', { tags: ['a', 7, 'b'] }, { tags: ['a', 'b'] }, '/tags/1', 'invalid_tag'],
  ['101 tags', { tags: Array(101).fill('a') }, { tags: [] }, '/tags', 'too_many_tags'],
  [
    'an ID of zeros',
    { identifiers: { idfa: '0'.repeat(32) } },
    {},
    '/identifiers/idfa',
    'invalid_identifier',
  ],
  ['a number as ID', { identifiers: { customId: 7 } }, {}, '/identifiers/customId', 'invalid_identifier'],
];

test.each(CASES)('%s never costs the registration', async (_what, odd, stored, pointer, code) => {
  const made = await register(device('odd', odd));
  expect([made.statusCode, made.json().warnings]).toEqual([
    201,
    [{ pointer, code, detail: expect.stringMatching(/\w/) }],
  ]);
  expect(await read('odd')).toMatchObject({ ...stored, tokenState: 'active' });
  const proof = { 'x-device-secret': made.json().secret };
  const refreshed = await app.call('sdk', 'PUT', '/v1/devices/odd', odd, proof);
  expect([refreshed.statusCode, refreshed.json().warnings]).toMatchObject([200, [{ pointer, code }]]);
});

test('a zone and a locale are stored in their canonical form', async () => {
  const made = await register(device('d1', { timeZone: 'asia/calcutta', locale: 'in_ID' }));
  expect(made.json().warnings).toEqual([]);
  expect(await read('d1')).toMatchObject({ timeZone: 'Asia/Kolkata', locale: 'id-ID' });
  const proof = { 'x-device-secret': made.json().secret };
  const put = async (body: object) => (await app.call('sdk', 'PUT', '/v1/devices/d1', body, proof)).json();
  expect(await put({ timeZone: 'GMT+08:00' })).toMatchObject({ timeZone: 'Etc/GMT-8', warnings: [] });
  expect(await put({ timeZone: 'Etc/Unknown' })).toMatchObject({
    timeZone: 'Etc/GMT-8',
    warnings: [{ pointer: '/timeZone' }],
  });
  expect(await put({ timeZone: null, locale: '' })).toMatchObject({ timeZone: null, locale: null });
});

test('a device of another app is not found, by persons and by SDKs', async () => {
  const { secret } = (await register(device('d1'))).json();
  const other = await createTestApp(api);
  expect((await other.call('operator', 'GET', '/v1/devices/d1')).statusCode).toBe(404);
  const stolen = await other.call(
    'sdk',
    'PUT',
    '/v1/devices/d1',
    { timeZone: 'UTC' },
    { 'x-device-secret': secret },
  );
  expect(stolen.statusCode).toBe(404);
});

test('an SDK key reads nothing, and a person registers nothing', async () => {
  expect((await app.call('sdk', 'GET', '/v1/devices/d1')).statusCode).toBe(403);
  expect((await app.call('marketer', 'POST', '/v1/devices', device('d1'))).statusCode).toBe(403);
});
