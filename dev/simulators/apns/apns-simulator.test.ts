import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDevCredentials } from '../credentials.ts';
import { openRawClient, type RawClient } from '../raw-client.ts';
import { type RunningSimulators, startSimulators } from '../start.ts';
import { apnsToken } from '../tokens.ts';

const one = createDevCredentials();
const two = createDevCredentials();
const keys = [...one.config.apns.keys, ...two.config.apns.keys];
const { apns } = one.credentials;
const PATH = `/3/device/${apnsToken(1)}`;
const BODY = JSON.stringify({ aps: { alert: { title: 't', body: 'b' } }, sb: { messageId: 'm' } });
const NOW = Math.floor(Date.now() / 1000);

let simulators: RunningSimulators;
let client: RawClient;

beforeAll(async () => {
  simulators = await startSimulators({ apns: { keys } });
});
afterAll(() => simulators.stop());
beforeEach(async () => {
  client = await openRawClient(simulators.apnsUrl, simulators.ca);
});
afterEach(() => client.close());

function jwt(changes: { kid?: string; iss?: string; iat?: number; key?: string } = {}): Promise<string> {
  const { kid = apns.keyId, iss = apns.teamId, iat = NOW, key = apns.privateKey } = changes;
  const signer = new SignJWT().setProtectedHeader({ alg: 'ES256', kid }).setIssuer(iss).setIssuedAt(iat);
  return signer.sign(createPrivateKey(key));
}

async function good(): Promise<Record<string, string>> {
  return {
    ':path': PATH,
    authorization: `bearer ${await jwt()}`,
    'apns-topic': apns.topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
    'apns-expiration': '0',
  };
}

test('a valid request is answered with its apns-id and logged as processed', async () => {
  const id = '123e4567-e89b-12d3-a456-426614174000';
  const answer = await client.send({ ...(await good()), 'apns-id': id }, BODY);
  expect(answer).toMatchObject({ status: 200, body: '', headers: { 'apns-id': id } });
  const log = await simulators.control.log();
  expect(log.at(-1)).toMatchObject({
    channel: 'apns',
    token: apnsToken(1),
    messageId: 'm',
    status: 200,
    processed: true,
  });
});

test.each([
  [400, 'MissingTopic', { 'apns-topic': undefined }],
  [400, 'TopicDisallowed', { 'apns-topic': 'com.example.other' }],
  [400, 'BadTopic', { 'apns-topic': 'no topic' }],
  [400, 'InvalidPushType', { 'apns-push-type': undefined }],
  [400, 'InvalidPushType', { 'apns-push-type': 'shout' }],
  [400, 'BadPriority', { 'apns-priority': '7' }],
  [400, 'BadExpirationDate', { 'apns-expiration': 'tomorrow' }],
  [400, 'BadCollapseId', { 'apns-collapse-id': 'c'.repeat(65) }],
  [400, 'BadMessageId', { 'apns-id': 'not-a-uuid' }],
  [400, 'DuplicateHeaders', { 'apns-collapse-id': ['a', 'b'] }],
  [400, 'BadDeviceToken', { ':path': '/3/device/abc' }],
  [400, 'MissingDeviceToken', { ':path': '/3/device/' }],
  [404, 'BadPath', { ':path': '/3/devices/1' }],
  [405, 'MethodNotAllowed', { ':method': 'PUT' }],
  [403, 'MissingProviderToken', { authorization: undefined }],
  [403, 'InvalidProviderToken', { authorization: 'bearer a.b.c' }],
])('%i %s for %j', async (status, reason, headers) => {
  const answer = await client.send({ ...(await good()), ...headers }, BODY);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toEqual({ reason });
});

test.each([
  [400, 'PayloadEmpty', ''],
  [400, 'PayloadEmpty', 'not json'],
  [400, 'PayloadEmpty', '{"sb":{}}'],
  [400, 'PayloadEmpty', '{"aps":{}}'],
  [413, 'PayloadTooLarge', JSON.stringify({ aps: { alert: 'x'.repeat(4096) } })],
])('%i %s for a bad payload', async (status, reason, body) => {
  const answer = await client.send(await good(), body);
  expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { reason }]);
});

test.each([
  ['ExpiredProviderToken', { iat: NOW - 3700 }],
  ['InvalidProviderToken', { iat: NOW + 3700 }],
  ['InvalidProviderToken', { kid: 'UNKNOWN123' }],
  ['InvalidProviderToken', { iss: 'OTHERTEAM1' }],
  ['InvalidProviderToken', { key: two.credentials.apns.privateKey }],
  [
    'InvalidProviderToken',
    {
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    },
  ],
])('403 %s for a wrong provider token', async (reason, changes) => {
  const answer = await client.send(
    { ...(await good()), authorization: `bearer ${await jwt(changes)}` },
    BODY,
  );
  expect([answer.status, JSON.parse(answer.body)]).toEqual([403, { reason }]);
});

test('a provider token may not change within 20 minutes, however it is signed', async () => {
  await client.send(await good(), BODY);
  const again = await client.send({ ...(await good()), authorization: `bearer ${await jwt()}` }, BODY);
  expect(again.status).toBe(200);
  const changed = `bearer ${await jwt({ iat: NOW - 600 })}`;
  const answer = await client.send({ ...(await good()), authorization: changed }, BODY);
  expect(answer).toMatchObject({ status: 429, body: '{"reason":"TooManyProviderTokenUpdates"}' });
});

test('a connection carries the tokens of one team only', async () => {
  await client.send(await good(), BODY);
  const other = two.credentials.apns;
  const token = await jwt({ kid: other.keyId, iss: other.teamId, key: other.privateKey });
  const answer = await client.send({ ...(await good()), authorization: `bearer ${token}` }, BODY);
  expect(answer).toMatchObject({ status: 403, body: '{"reason":"InvalidProviderToken"}' });
});

test('one stream is allowed until a request has shown a good token', async () => {
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(1);
  await client.send({ ...(await good()), authorization: 'bearer x' }, BODY);
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(1);
  const widened = once(client.session, 'remoteSettings');
  await client.send(await good(), BODY);
  await widened;
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(100);
});

test('the answer to an unregistered token holds its time', async () => {
  await simulators.control.change({ apns: { unregisteredTokens: [apnsToken(9)] } });
  const answer = await client.send({ ...(await good()), ':path': `/3/device/${apnsToken(9)}` }, BODY);
  expect(answer.status).toBe(410);
  const { reason, timestamp } = JSON.parse(answer.body);
  expect(reason).toBe('Unregistered');
  expect(Math.abs(Date.now() - timestamp)).toBeLessThan(5000);
});
