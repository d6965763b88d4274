import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const SECRET = 'a secret of the backend, long enough';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: typeof ec.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));
let proof: Record<string, string>;
beforeEach(async () => {
  const made = await app.call('sdk', 'POST', '/v1/devices', { deviceId: 'd', platform: 'ios' });
  proof = { 'x-device-secret': made.json().secret };
});

const putKey = (keyId: string, body: object) =>
  app.call('operator', 'PUT', `/v1/app/user-token-keys/${keyId}`, body);
const bind = (token: string, headers = proof) =>
  app.call('sdk', 'PUT', '/v1/devices/d/user', { token }, headers);

interface Wanted {
  readonly alg?: string;
  readonly kid?: string;
  readonly claims?: object;
  readonly expiresInS?: number | null;
  readonly key?: Parameters<SignJWT['sign']>[0];
}
function sign({
  alg = 'HS256',
  kid = 'k1',
  claims = {},
  expiresInS = 60,
  key,
}: Wanted = {}): Promise<string> {
  const now = Math.floor(api.clock.now.getTime() / 1000);
  const exp = expiresInS === null ? {} : { exp: now + expiresInS };
  const payload = { sub: 'user-1', aud: app.appId, iat: now, ...exp, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key ?? Buffer.from(SECRET));
}

test('a user is bound by a token that the backend signed, and unbound by the device', async () => {
  expect((await putKey('k1', { alg: 'HS256', secret: SECRET })).statusCode).toBe(200);
  expect((await bind(await sign())).json()).toMatchObject({ deviceId: 'd', userId: 'user-1' });
  const unbound = await app.call('sdk', 'DELETE', '/v1/devices/d/user', undefined, proof);
  expect(unbound.json().userId).toBeNull();
});

test('public keys of both kinds are accepted, and a user may have several devices', async () => {
  await putKey('ec', { alg: 'ES256', publicKey: pem(ec.publicKey) });
  await putKey('rsa', { alg: 'RS256', publicKey: pem(rsa.publicKey) });
  const byEc = await sign({ alg: 'ES256', kid: 'ec', key: ec.privateKey });
  expect((await bind(byEc)).json()).toMatchObject({ userId: 'user-1' });
  const byRsa = await sign({ alg: 'RS256', kid: 'rsa', key: rsa.privateKey, claims: { sub: 'user-2' } });
  expect((await bind(byRsa)).json()).toMatchObject({ userId: 'user-2' });
});

test.each<[string, Wanted, RegExp]>([
  ['another secret', { key: Buffer.from('another secret that is long enough') }, /invalid signature/],
  ['an unknown key', { kid: 'k9' }, /must name a key/],
  ['no expiry', { expiresInS: null }, /lacks the claim "exp"/],
  ['an expiry in the past', { expiresInS: -31 }, /has expired/],
  ['another app', { claims: { aud: 'app-other' } }, /not for this app/],
  ['no app', { claims: { aud: undefined } }, /"aud"/],
  ['no user', { claims: { sub: undefined } }, /"sub"/],
  ['a user ID with a space', { claims: { sub: 'a b' } }, /user ID in "sub"/],
  ['a start in the future', { claims: { nbf: 4_000_000_000 } }, /invalid claim "nbf"/],
  ['another device', { claims: { device_id: 'other' } }, /another device/],
  ['another algorithm', { alg: 'HS512', key: Buffer.alloc(64, 1) }, /algorithm/],
])('a token with %s is refused with the reason, and binds nobody', async (_what, wanted, why) => {
  await putKey('k1', { alg: 'HS256', secret: SECRET });
  const answer = await bind(await sign(wanted));
  expect(answer.json()).toMatchObject({ status: 403, code: 'invalid_user_token' });
  expect(answer.json().detail).toMatch(why);
  expect((await app.call('marketer', 'GET', '/v1/devices/d')).json().userId).toBeNull();
});

test('an unsigned token, a public key used as a secret, and junk are refused', async () => {
  await putKey('k1', { alg: 'ES256', publicKey: pem(ec.publicKey) });
  const [, payload] = (await sign()).split('.');
  const none = `${Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')}.${payload}.`;
  const confused = await sign({ key: Buffer.from(pem(ec.publicKey)) });
  for (const token of [none, confused, 'junk', 'a.b.c', `${payload}`]) {
    expect((await bind(token)).json()).toMatchObject({ status: 403, code: 'invalid_user_token' });
  }
});

test('a token that names a device binds that device only, and binding needs the device secret', async () => {
  await putKey('k1', { alg: 'HS256', secret: SECRET });
  const token = await sign({ claims: { device_id: 'd' } });
  expect((await bind(token, {})).json().code).toBe('device_secret_required');
  expect((await bind(token)).statusCode).toBe(200);
});

test('both keys of a rotation are accepted until the old one is deleted', async () => {
  expect((await bind(await sign())).json().detail).toMatch(/has no user token key/);
  await putKey('k1', { alg: 'HS256', secret: SECRET });
  await putKey('k2', { alg: 'HS256', secret: `${SECRET} 2` });
  const fresh = await sign({ kid: 'k2', key: Buffer.from(`${SECRET} 2`) });
  expect((await bind(await sign())).statusCode).toBe(200);
  expect((await bind(fresh)).statusCode).toBe(200);
  expect((await app.call('operator', 'DELETE', '/v1/app/user-token-keys/k1')).statusCode).toBe(204);
  expect((await app.call('operator', 'DELETE', '/v1/app/user-token-keys/k1')).statusCode).toBe(404);
  expect((await bind(await sign())).statusCode).toBe(403);
  const listed = await app.call('operator', 'GET', '/v1/app/user-token-keys');
  expect(listed.json().items).toMatchObject([{ keyId: 'k2', alg: 'HS256' }]);
  expect(listed.body).not.toContain(SECRET);
});

test('an app has five keys at most, and only operators change them', async () => {
  const statuses = [];
  for (let i = 0; i < 6; i++) {
    statuses.push((await putKey(`k${i}`, { alg: 'HS256', secret: SECRET })).statusCode);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 409]);
  expect((await putKey('k4', { alg: 'HS256', secret: SECRET })).statusCode).toBe(200);
  const answer = await app.call('marketer', 'PUT', '/v1/app/user-token-keys/k', {
    alg: 'HS256',
    secret: SECRET,
  });
  expect(answer.statusCode).toBe(403);
});

test.each([
  ['a short secret', { alg: 'HS256', secret: 'short' }, '/secret'],
  ['a private key', { alg: 'ES256', publicKey: 'private' }, '/publicKey'],
  ['a key of another kind', { alg: 'RS256', publicKey: 'ec' }, '/publicKey'],
  ['a weak key', { alg: 'RS256', publicKey: 'weak' }, '/publicKey'],
  [
    'junk',
    { alg: 'ES256', publicKey: '-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----' },
    '/publicKey',
  ],
])('%s is refused with its place', async (_what, body, pointer) => {
  const keys: Record<string, string> = {
    private: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ec: pem(ec.publicKey),
    weak: pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
  };
  const publicKey = 'publicKey' in body ? { publicKey: keys[body.publicKey ?? ''] ?? body.publicKey } : {};
  const answer = await putKey('k', { ...body, ...publicKey });
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ pointer }] });
});
