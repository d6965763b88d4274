import { createPrivateKey } from 'node:crypto';
import { on, once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { postForm } from '../../../providers/fcm/https-post.ts';
import { useSimulators } from '../../../test/setup/simulators.ts';
import { createDevCredentials } from '../credentials.ts';
import { openRawClient, type RawClient } from '../raw-client.ts';
import { fcmToken } from '../tokens.ts';

const { credentials, config } = createDevCredentials();
const { fcm } = credentials;
const PATH = `/v1/projects/${fcm.project_id}/messages:send`;
const NOW = Math.floor(Date.now() / 1000);
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const MESSAGE = { token: fcmToken(1), notification: { title: 't' }, data: { messageId: 'm' } };

const simulators = useSimulators(config);
let client: RawClient;
let authorization: string;

beforeAll(async () => {
  const { status, body } = await ask(await assertion());
  expect(status).toBe(200);
  authorization = `Bearer ${JSON.parse(body).access_token}`;
});
beforeEach(async () => {
  client = await openRawClient(simulators.fcmUrl, simulators.ca);
});
afterEach(() => client.close());

interface Claims {
  readonly aud?: string;
  readonly scope?: string;
  readonly iss?: string;
  readonly exp?: number;
  readonly key?: string;
}

function assertion(claims: Claims = {}): Promise<string> {
  const { aud = simulators.fcmTokenUrl, scope = SCOPE, iss = fcm.client_email, exp = NOW + 3600 } = claims;
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: fcm.private_key_id })
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt(NOW)
    .setExpirationTime(exp)
    .sign(createPrivateKey(claims.key ?? fcm.private_key));
}

function ask(signed: string, grantType = GRANT) {
  const endpoint = { url: new URL(simulators.fcmTokenUrl), ca: simulators.ca };
  return postForm(endpoint, new URLSearchParams({ grant_type: grantType, assertion: signed }));
}

function send(body: unknown, headers = {}) {
  return client.send({ ':path': PATH, authorization, ...headers }, JSON.stringify(body));
}

test('a valid message is answered with its name and logged as processed', async () => {
  const answer = await send({ message: MESSAGE });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body).name).toMatch(`projects/${fcm.project_id}/messages/`);
  const log = await simulators.control.log();
  expect(log.at(-1)).toMatchObject({ channel: 'fcm', token: fcmToken(1), messageId: 'm', processed: true });
});

test.each([
  ['message.data[badge]', { ...MESSAGE, data: { badge: 3 } }],
  ['message', { ...MESSAGE, tokens: [] }],
  ['message.data', { ...MESSAGE, data: { from: 'x' } }],
  ['message.data', { ...MESSAGE, data: { 'google.x': 'x' } }],
  ['message.android.direct_boot_ok', { ...MESSAGE, android: { direct_boot_ok: 'true' } }],
  ['message.android.notification.color', { ...MESSAGE, android: { notification: { color: 'red' } } }],
  [
    'message.android.notification.notification_count',
    { ...MESSAGE, android: { notification: { notification_count: 2 ** 31 } } },
  ],
  ['message.android', { ...MESSAGE, android: { collapseKey: 'c' } }],
  ['message.android.ttl', { ...MESSAGE, android: { ttl: '86400' } }],
  ['message.android.ttl', { ...MESSAGE, android: { ttl: '9999999s' } }],
  ['message.android.priority', { ...MESSAGE, android: { priority: '10' } }],
  ['message.notification.title', { ...MESSAGE, notification: { title: 1 } }],
  ['message.fcm_options.analytics_label', { ...MESSAGE, fcm_options: { analytics_label: 'no spaces' } }],
  ['message', { ...MESSAGE, topic: 'news' }],
  ['message', { notification: { title: 't' } }],
  ['message', { ...MESSAGE, notification: { body: 'x'.repeat(4096) } }],
  ['message', 'text'],
])('400 INVALID_ARGUMENT names the field %s', async (field, message) => {
  const answer = await send({ message });
  const { error } = JSON.parse(answer.body);
  expect(error).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT' });
  expect(error.details).toEqual([
    {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field, description: expect.any(String) }],
    },
  ]);
});

test('a malformed token is answered with an FcmError, not with a field violation', async () => {
  const answer = await send({ message: { ...MESSAGE, token: 'short' } });
  expect(JSON.parse(answer.body).error).toEqual({
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'The registration token is not a valid FCM registration token',
    details: [
      { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'INVALID_ARGUMENT' },
    ],
  });
});

test.each([
  [401, 'UNAUTHENTICATED', { authorization: undefined }],
  [401, 'UNAUTHENTICATED', { authorization: 'Bearer ya29.unknown' }],
  [403, 'PERMISSION_DENIED', { ':path': '/v1/projects/another/messages:send' }],
  [404, 'NOT_FOUND', { ':path': '/v1/messages:send' }],
  [404, 'NOT_FOUND', { ':method': 'PUT' }],
])('%i %s for %j', async (code, status, headers) => {
  const answer = await send({ message: MESSAGE }, headers);
  expect(answer.status).toBe(code);
  expect(JSON.parse(answer.body).error).toMatchObject({ code, status });
});

test.each([
  ['audience', { aud: 'https://oauth2.googleapis.com/token' }],
  ['scope', { scope: 'https://www.googleapis.com/auth/drive' }],
  ['account', { iss: 'someone@else.iam.gserviceaccount.com' }],
  ['life', { exp: NOW + 7200 }],
  ['expiry', { exp: NOW - 10 }],
  ['signature', { key: createDevCredentials().credentials.fcm.private_key }],
])('an assertion with a wrong %s is an invalid grant', async (_what, claims) => {
  const { status, body } = await ask(await assertion(claims));
  expect([status, JSON.parse(body).error]).toEqual([400, 'invalid_grant']);
});

test('no other grant type is supported', async () => {
  const { status, body } = await ask(await assertion(), 'password');
  expect([status, JSON.parse(body).error]).toEqual([400, 'unsupported_grant_type']);
});

const FRAME = { headers: 1, settings: 4, goaway: 7 };
const ACK = 1;
const END_HEADERS = 4;
/** `:method POST`, `:scheme https`, `:path /` and an `:authority`, in HPACK. */
const HEADER_BLOCK = Buffer.from([0x83, 0x87, 0x84, 0x41, 1, 0x78]);

function frame(type: number, flags: number, streamId: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** The types of the frames up to one of this type, or up to the end. */
async function framesUntil(type: number, socket: TLSSocket): Promise<number[]> {
  const types: number[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of on(socket, 'data', { close: ['end', 'close'] })) {
    bytes = Buffer.concat([bytes, ...chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      types.push(bytes[3] ?? 0);
      bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
    }
    if (types.includes(type)) break;
  }
  return types;
}

test('a client that opens more than 100 streams at once gets a GOAWAY', async () => {
  const { port } = new URL(simulators.fcmUrl);
  const socket = connect({ port: Number(port), ca: simulators.ca, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(FRAME.settings, 0, 0));
  await framesUntil(FRAME.settings, socket);
  socket.write(frame(FRAME.settings, ACK, 0));
  const goaway = framesUntil(FRAME.goaway, socket);
  for (let n = 0; n <= 100; n++) socket.write(frame(FRAME.headers, END_HEADERS, 2 * n + 1, HEADER_BLOCK));
  expect(await goaway).toContain(FRAME.goaway);
  socket.destroy();
});
