import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { Switches } from '../../dev/simulators/config.ts';
import { createDevCredentials } from '../../dev/simulators/credentials.ts';
import { fcmToken } from '../../dev/simulators/tokens.ts';
import { Content } from '../../domain/content/content.ts';
import { MAX_PAYLOAD_BYTES, payloadBytes } from '../../domain/content/payload-size.ts';
import { useSimulators } from '../../test/setup/simulators.ts';
import { apnsPayload, apnsTemplate } from '../apns/apns-payload.ts';
import { ALWAYS_OPEN, type PushService } from '../push-service.ts';
import { openFcm } from './fcm.ts';
import { fcmPayload, fcmTemplate } from './fcm-payload.ts';

const { credentials, config } = createDevCredentials();
const content = Content.parse({ title: 'Sale', body: 'Everything must go' });
const to = { token: fcmToken(1), messageId: 'message-1', collapseId: 'collapse-1' };

const simulators = useSimulators(config);
let service: PushService;
let clockAhead = 0;

beforeEach(async () => {
  clockAhead = 0;
  await simulators.control.change({ fcm: Switches.parse({}) });
  await simulators.control.reset();
  service = open();
  return () => service.close();
});

function open(changes: Partial<typeof credentials.fcm> = {}, tokenUrl = simulators.fcmTokenUrl): PushService {
  const { fcmUrl, ca } = simulators;
  return openFcm(
    { ...credentials.fcm, ...changes },
    { api: { url: new URL(fcmUrl), ca }, token: { url: new URL(tokenUrl), ca } },
    () => new Date(Date.now() + clockAhead),
  );
}

test.each([
  [404, 'UNREGISTERED', { kind: 'rejected', token: 'gone' }],
  [403, 'SENDER_ID_MISMATCH', { kind: 'rejected', token: 'doubtful' }],
  [429, 'QUOTA_EXCEEDED', { kind: 'retry_later', afterMs: 1000 }],
  [503, 'UNAVAILABLE', { kind: 'retry_later', afterMs: 1000 }],
  [500, 'INTERNAL', { kind: 'retry_later', afterMs: 2000 }],
  [401, 'THIRD_PARTY_AUTH_ERROR', { kind: 'refused', fault: 'message' }],
  [401, 'UNAUTHENTICATED', { kind: 'refused', fault: 'credential' }],
  [403, 'PERMISSION_DENIED', { kind: 'refused', fault: 'credential' }],
  [404, 'NOT_FOUND', { kind: 'refused', fault: 'message' }],
  [400, 'SOMETHING_NEW', { kind: 'refused', fault: 'message' }],
  [500, 'SOMETHING_NEW', { kind: 'retry_later', afterMs: 2000 }],
  [502, 'SOMETHING_NEW', { kind: 'ambiguous' }],
  [504, 'SOMETHING_NEW', { kind: 'ambiguous' }],
])('%i %s', async (status, reason, outcome) => {
  await simulators.control.change({ fcm: { answerWith: { status, reason } } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject({ ...outcome, reason });
});

const google = (error: object) => JSON.stringify({ error });

test.each([
  [404, '', 'HTTP 404'],
  [403, '<html>Blocked by the proxy</html>', 'HTTP 403'],
  [400, google({ code: 400, status: 'INVALID_ARGUMENT' }), 'INVALID_ARGUMENT'],
  [400, google({ status: 'INVALID_ARGUMENT', message: 7, details: 'none' }), 'INVALID_ARGUMENT'],
  [400, google({ status: 'a\u0000b' }), 'HTTP 400'],
  [400, google({ status: 'x'.repeat(3000) }), 'HTTP 400'],
  [401, google({ status: 'ANOTHER_TOKEN' }), 'ANOTHER_TOKEN'],
])('an answer %i with the body %j for one token is a refusal', async (status, body, reason) => {
  await simulators.control.change({ fcm: { answersTo: { [to.token]: { status, body } } } });
  const refused = { kind: 'refused', fault: 'message', reason };
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual(refused);
  const other = { ...to, token: fcmToken(2) };
  expect(await service.send(content, other, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('details without a type still name the code', async () => {
  const body = google({ status: 'NOT_FOUND', details: [{ errorCode: 'UNREGISTERED' }] });
  await simulators.control.change({ fcm: { answerWith: { status: 404, body } } });
  const gone = { kind: 'rejected', token: 'gone', reason: 'UNREGISTERED' };
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual(gone);
});

test('a device that gets too many messages holds back no other', async () => {
  const violations = [{ subject: 'token:abc', description: 'Device message rate exceeded' }];
  const details = [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations }];
  const body = google({ status: 'RESOURCE_EXHAUSTED', details });
  await simulators.control.change({
    fcm: { retryAfterSeconds: null, answersTo: { [to.token]: { status: 429, body } } },
  });
  const later = { kind: 'retry_later', afterMs: 60_000, reason: 'DEVICE_QUOTA_EXCEEDED' };
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject(later);
  const other = { ...to, token: fcmToken(2) };
  expect(await service.send(content, other, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('INVALID_ARGUMENT blames the token or the message', async () => {
  await simulators.control.change({ fcm: { badTokens: [to.token] } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({
    kind: 'rejected',
    reason: 'INVALID_REGISTRATION_TOKEN',
    token: 'doubtful',
  });
  const beyond = { ...content, ttlSeconds: 3_000_000 };
  expect(await service.send(beyond, { ...to, token: fcmToken(2) }, ALWAYS_OPEN)).toEqual({
    kind: 'refused',
    reason: 'INVALID_ARGUMENT',
    fault: 'message',
  });
});

test('many sends at once ask for one access token', async () => {
  const before = (await simulators.control.counts()).accessTokens;
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () => service.send(content, to, ALWAYS_OPEN)),
  );
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect((await simulators.control.counts()).accessTokens).toBe(before + 1);
});

test('an access token is renewed before it expires', async () => {
  await service.send(content, to, ALWAYS_OPEN);
  const before = (await simulators.control.counts()).accessTokens;
  clockAhead = 50 * 60_000;
  await service.send(content, to, ALWAYS_OPEN);
  expect((await simulators.control.counts()).accessTokens).toBe(before);
  clockAhead = 56 * 60_000;
  await service.send(content, to, ALWAYS_OPEN);
  // The assertion of a clock that is 56 minutes ahead is refused, and the old token still serves.
  expect((await simulators.control.counts()).channels.fcm.processed).toBe(3);
});

test('a rejected access token is replaced once, and all sends go through', async () => {
  await service.send(content, to, ALWAYS_OPEN);
  await simulators.control.revokeAccessTokens();
  const before = (await simulators.control.counts()).accessTokens;
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, () => service.send(content, to, ALWAYS_OPEN)),
  );
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect((await simulators.control.counts()).accessTokens).toBe(before + 1);
});

test('a service account that Google refuses is a fault of the credential', async () => {
  const other = createDevCredentials().credentials.fcm;
  const refused = { kind: 'refused', reason: 'OAuthRefused', fault: 'credential' };
  for (const changes of [{ private_key: other.private_key }, { client_email: other.client_email }]) {
    const wrong = open(changes);
    expect(await wrong.send(content, to, ALWAYS_OPEN)).toEqual(refused);
    await wrong.close();
  }
  const elsewhere = open({ project_id: other.project_id });
  expect(await elsewhere.send(content, to, ALWAYS_OPEN)).toMatchObject({ reason: 'PERMISSION_DENIED' });
  await elsewhere.close();
});

test('a token endpoint that cannot be reached is tried again later', async () => {
  const cut = open({}, 'https://127.0.0.1:1/token');
  expect(await cut.send(content, to, ALWAYS_OPEN)).toEqual({
    kind: 'retry_later',
    reason: 'OAuthUnavailable',
    afterMs: 1000,
    answered: false,
  });
  expect(cut.trouble).toMatch(/^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  await cut.close();
});

test('messages do not wait for a token endpoint that does not answer, which is asked once', async () => {
  const connections = new Set<Socket>();
  const silent = createServer((socket) => void connections.add(socket)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of connections) socket.destroy();
    silent.close();
  });
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const hung = open({}, `https://127.0.0.1:${port}/token`);
  const send = () => hung.send(content, to, ALWAYS_OPEN);
  expect(await Promise.all([send(), send()])).toMatchObject([UNAVAILABLE, UNAVAILABLE]);
  expect(await send()).toMatchObject(UNAVAILABLE);
  expect(connections.size).toBe(1);
  await hung.close();
});

const UNAVAILABLE = { kind: 'retry_later', reason: 'OAuthUnavailable', answered: false };

test('over quota nothing is sent for a minute, unless FCM names another time', async () => {
  await simulators.control.change({ fcm: { shareThrottled: 1, retryAfterSeconds: null } });
  const over = { kind: 'retry_later', reason: 'QUOTA_EXCEEDED' };
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({ ...over, afterMs: 60_000, answered: true });
  await simulators.control.change({ fcm: { shareThrottled: 0 } });
  clockAhead = 59_000;
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject({ ...over, answered: false });
  expect((await simulators.control.counts()).requests).toBe(1);
  clockAhead = 61_000;
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('a device that is over quota on its own holds back others once', async () => {
  const odd = { status: 429, reason: 'QUOTA_EXCEEDED' };
  await simulators.control.change({
    fcm: { retryAfterSeconds: null, answersTo: { [to.token]: odd } },
  });
  const other = { ...to, token: fcmToken(2) };
  await service.send(content, to, ALWAYS_OPEN);
  expect(await service.send(content, other, ALWAYS_OPEN)).toMatchObject({ reason: 'QUOTA_EXCEEDED' });
  for (const minutes of [1, 2, 3]) {
    clockAhead = minutes * 61_000;
    const later = { kind: 'retry_later', afterMs: 60_000 };
    expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject(later);
    expect(await service.send(content, other, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
  }
});

test('a message that waits for a stream when the quota is exceeded is not sent either', async () => {
  await simulators.control.change({
    fcm: { shareThrottled: 1, retryAfterSeconds: 30, delayMs: { min: 20, max: 20 } },
  });
  const outcomes = await Promise.all(
    Array.from({ length: 500 }, () => service.send(content, to, ALWAYS_OPEN)),
  );
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['retry_later']));
  expect((await simulators.control.counts()).requests).toBeLessThan(250);
});

test('every kind of content is accepted', async () => {
  const full = Content.parse({
    ...content,
    deepLink: 'shop://sale',
    imageUrl: 'https://example.com/i.png',
    sound: 'default',
    badge: 3,
    priority: 'normal',
  });
  expect(await service.send(full, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
  expect(await simulators.control.log()).toMatchObject([{ token: to.token, messageId: 'message-1' }]);
  expect(JSON.parse(fcmPayload(fcmTemplate(full), to)).message).toEqual({
    token: to.token,
    notification: { title: 'Sale', body: 'Everything must go' },
    data: { messageId: 'message-1', deepLink: 'shop://sale', imageUrl: 'https://example.com/i.png' },
    android: {
      priority: 'NORMAL',
      ttl: '86400s',
      collapse_key: 'collapse-1',
      notification: {
        image: 'https://example.com/i.png',
        sound: 'default',
        notification_count: 3,
        tag: 'collapse-1',
      },
    },
  });
});

test('content that is too large is refused before it is sent', async () => {
  const long = { ...content, title: 'ö'.repeat(200), body: 'ä'.repeat(2000) };
  expect(await service.send(long, to, ALWAYS_OPEN)).toMatchObject({
    kind: 'refused',
    reason: 'PayloadTooLarge',
  });
  expect((await simulators.control.counts()).requests).toBe(0);
});

test('content within the size limit is never too large for a push service', async () => {
  const messageId = 'm'.repeat(96);
  let body = 'x';
  while (payloadBytes({ ...content, body: `${body}"` }) <= MAX_PAYLOAD_BYTES) body += '"';
  const full = { ...content, body };
  expect(payloadBytes(full)).toBeGreaterThan(MAX_PAYLOAD_BYTES - 3);
  expect(await service.send(full, { ...to, messageId }, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
  const apns = apnsPayload(apnsTemplate({ ...full, badge: 1, sound: 's' }), messageId);
  expect(Buffer.byteLength(apns)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
});
