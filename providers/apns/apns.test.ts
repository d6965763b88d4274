import { beforeEach, expect, test } from 'vitest';
import { Switches } from '../../dev/simulators/config.ts';
import { createDevCredentials } from '../../dev/simulators/credentials.ts';
import { apnsToken } from '../../dev/simulators/tokens.ts';
import { Content } from '../../domain/content/content.ts';
import { useSimulators } from '../../test/setup/simulators.ts';
import type { H2PoolOptions } from '../h2/h2-pool-options.ts';
import { ALWAYS_OPEN, type PushService } from '../push-service.ts';
import { openApns } from './apns.ts';
import { apnsPayload, apnsTemplate } from './apns-payload.ts';
import { ApnsTokens, issuedAt } from './apns-tokens.ts';

const { credentials, config } = createDevCredentials();
const content = Content.parse({ title: 'Sale', body: 'Everything must go' });
const to = { token: apnsToken(1), messageId: 'message-1', collapseId: 'collapse-1' };
const MINUTE = 60_000;

const simulators = useSimulators(config);
let service: PushService;
let clockAhead = 0;

beforeEach(async () => {
  clockAhead = 0;
  await simulators.control.change({ apns: Switches.parse({}) });
  await simulators.control.reset();
  service = open();
  return () => service.close();
});

function open(changes: Partial<typeof credentials.apns> = {}, options: H2PoolOptions = {}): PushService {
  const endpoint = { url: new URL(simulators.apnsUrl), ca: simulators.ca };
  const clock = () => new Date(Date.now() + clockAhead);
  return openApns({ ...credentials.apns, ...changes }, endpoint, clock, options);
}

/** Stops this process, with its timers and sockets. */
function freeze(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test.each([
  [400, 'BadDeviceToken', { kind: 'rejected', token: 'doubtful' }],
  [400, 'DeviceTokenNotForTopic', { kind: 'rejected', token: 'doubtful' }],
  [410, 'Unregistered', { kind: 'rejected', token: 'gone' }],
  [410, 'ExpiredToken', { kind: 'rejected', token: 'gone' }],
  [400, 'BadTopic', { kind: 'refused', fault: 'credential' }],
  [400, 'MissingTopic', { kind: 'refused', fault: 'credential' }],
  [400, 'TopicDisallowed', { kind: 'refused', fault: 'credential' }],
  [400, 'InvalidPushType', { kind: 'refused', fault: 'message' }],
  [400, 'PayloadEmpty', { kind: 'refused', fault: 'message' }],
  [400, 'BadPriority', { kind: 'refused', fault: 'message' }],
  [400, 'BadExpirationDate', { kind: 'refused', fault: 'message' }],
  [400, 'BadCollapseId', { kind: 'refused', fault: 'message' }],
  [400, 'BadMessageId', { kind: 'refused', fault: 'message' }],
  [400, 'DuplicateHeaders', { kind: 'refused', fault: 'message' }],
  [400, 'SomethingNew', { kind: 'refused', fault: 'message' }],
  [404, 'BadPath', { kind: 'refused', fault: 'message' }],
  [405, 'MethodNotAllowed', { kind: 'refused', fault: 'message' }],
  [413, 'PayloadTooLarge', { kind: 'refused', fault: 'message' }],
  [403, 'ExpiredProviderToken', { kind: 'refused', fault: 'credential' }],
  [403, 'InvalidProviderToken', { kind: 'refused', fault: 'credential' }],
  [403, 'MissingProviderToken', { kind: 'refused', fault: 'credential' }],
  [403, 'Forbidden', { kind: 'refused', fault: 'message' }],
  [403, 'BadCertificateEnvironment', { kind: 'refused', fault: 'credential' }],
  [403, 'BadEnvironmentKeyInToken', { kind: 'refused', fault: 'credential' }],
  [403, 'SomethingNew', { kind: 'refused', fault: 'message' }],
  [429, 'TooManyRequests', { kind: 'retry_later', afterMs: 1000 }],
  [429, 'TooManyProviderTokenUpdates', { kind: 'retry_later', afterMs: 1000 }],
  [500, 'InternalServerError', { kind: 'retry_later', afterMs: 2000 }],
  [503, 'ServiceUnavailable', { kind: 'retry_later', afterMs: 1000 }],
  [503, 'Shutdown', { kind: 'retry_later', afterMs: 1000 }],
  [503, 'SomethingNew', { kind: 'retry_later', afterMs: 1000 }],
  [502, 'SomethingNew', { kind: 'ambiguous' }],
  [504, 'SomethingNew', { kind: 'ambiguous' }],
])('%i %s', async (status, reason, outcome) => {
  await simulators.control.change({ apns: { answerWith: { status, reason } } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject({ ...outcome, reason });
});

test.each([
  [404, '', 'HTTP 404'],
  [403, '<html>Blocked by the proxy</html>', 'HTTP 403'],
  [400, '{"reason":7}', 'HTTP 400'],
  [400, '{"reason":"a\\u0000b"}', 'HTTP 400'],
  [400, JSON.stringify({ reason: 'x'.repeat(3000) }), 'HTTP 400'],
  [422, '', 'HTTP 422'],
])('an answer %i whose body is %j is told by its status', async (status, body, reason) => {
  await simulators.control.change({ apns: { answersTo: { [to.token]: { status, body } } } });
  const refused = { kind: 'refused', fault: 'message', reason };
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual(refused);
  const other = { ...to, token: apnsToken(2) };
  expect(await service.send(content, other, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test.each([
  301, 408, 499,
])('after an answer %i of a proxy the service may have the message', async (status) => {
  await simulators.control.change({ apns: { answersTo: { [to.token]: { status, body: '' } } } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject({ kind: 'ambiguous' });
});

test.each([-1, 1e300, '"yesterday"'])('a timestamp of %s is no time', async (timestamp) => {
  const body = `{"reason":"Unregistered","timestamp":${timestamp}}`;
  await simulators.control.change({ apns: { answerWith: { status: 410, body } } });
  const gone = { kind: 'rejected', token: 'gone', reason: 'Unregistered' };
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual(gone);
});

test('the outcome of an unregistered token has the time since which it is unregistered', async () => {
  const before = Date.now();
  await simulators.control.change({ apns: { unregisteredTokens: [to.token] } });
  const outcome = await service.send(content, to, ALWAYS_OPEN);
  const since = outcome.kind === 'rejected' ? outcome.staleSince?.getTime() : undefined;
  expect(since).toBeGreaterThanOrEqual(before);
  expect(since).toBeLessThanOrEqual(Date.now());
});

test('a key that APNs does not know, of another team or for another app, is refused', async () => {
  const other = createDevCredentials().credentials.apns;
  const cases = [
    [{ privateKey: other.privateKey }, 'credential', 'InvalidProviderToken'],
    [{ keyId: other.keyId }, 'credential', 'InvalidProviderToken'],
    [{ teamId: other.teamId }, 'credential', 'InvalidProviderToken'],
    [{ topic: 'com.example.other' }, 'credential', 'TopicDisallowed'],
  ] as const;
  for (const [changes, fault, reason] of cases) {
    const wrong = open(changes);
    expect(await wrong.send(content, to, ALWAYS_OPEN)).toEqual({ kind: 'refused', fault, reason });
    await wrong.close();
  }
});

test('a token that APNs considers expired is signed once more', async () => {
  clockAhead = -90 * MINUTE;
  const outcome = await service.send(content, to, ALWAYS_OPEN);
  expect(outcome).toEqual({ kind: 'refused', fault: 'credential', reason: 'ExpiredProviderToken' });
  expect((await simulators.control.counts()).requests).toBe(2);
  clockAhead = 0;
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('no request is made while APNs wants none from the credential', async () => {
  await simulators.control.change({ apns: { shareUnavailable: 1, retryAfterSeconds: 7 } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toMatchObject({ kind: 'retry_later', afterMs: 7000 });
  await simulators.control.change({ apns: { shareUnavailable: 0 } });
  clockAhead = 3000;
  const held = await service.send(content, to, ALWAYS_OPEN);
  expect(held).toMatchObject({ kind: 'retry_later', reason: 'ServiceUnavailable' });
  expect(held.kind === 'retry_later' && held.afterMs).toBeLessThanOrEqual(4000);
  expect((await simulators.control.counts()).requests).toBe(1);
  clockAhead = 7500;
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('too many requests to one device hold no other device back', async () => {
  await simulators.control.change({ apns: { shareThrottled: 1, retryAfterSeconds: 60 } });
  await service.send(content, to, ALWAYS_OPEN);
  await simulators.control.change({ apns: { shareThrottled: 0 } });
  expect(await service.send(content, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
});

test('a message that APNs would certainly refuse is not sent', async () => {
  const long = { ...content, body: 'ä'.repeat(2000), title: 'ö'.repeat(200) };
  expect(await service.send(long, to, ALWAYS_OPEN)).toMatchObject({
    kind: 'refused',
    reason: 'PayloadTooLarge',
  });
  const cases = [
    [{ ...to, token: 'not hex' }, 'BadDeviceToken'],
    [{ ...to, collapseId: 'c'.repeat(65) }, 'BadCollapseId'],
  ] as const;
  for (const [addressee, reason] of cases) {
    expect(await service.send(content, addressee, ALWAYS_OPEN)).toMatchObject({ reason });
  }
  expect((await simulators.control.counts()).requests).toBe(0);
});

test('every kind of content is accepted', async () => {
  const full = Content.parse({
    ...content,
    deepLink: 'shop://sale?a="b"',
    imageUrl: 'https://example.com/i.png',
    sound: 'default',
    badge: 3,
    ttlSeconds: 0,
    priority: 'normal',
  });
  expect(await service.send(full, to, ALWAYS_OPEN)).toEqual({ kind: 'accepted' });
  expect(await simulators.control.log()).toMatchObject([{ messageId: 'message-1', status: 200 }]);
  expect(JSON.parse(apnsPayload(apnsTemplate(full), 'message-1'))).toEqual({
    aps: {
      alert: { title: 'Sale', body: 'Everything must go' },
      'mutable-content': 1,
      sound: 'default',
      badge: 3,
    },
    sb: { messageId: 'message-1', deepLink: 'shop://sale?a=%22b%22', imageUrl: 'https://example.com/i.png' },
  });
});

test('all workers date their provider tokens alike, for half an hour', async () => {
  const start = Date.UTC(2026, 0, 1, 12, 1);
  const within = [0, 10 * MINUTE, 30 * MINUTE - 1].map((ms) => issuedAt(new Date(start + ms)));
  expect(new Set(within)).toEqual(new Set([Date.UTC(2026, 0, 1, 12) / 1000]));
  expect(issuedAt(new Date(start + 30 * MINUTE))).toBe(Date.UTC(2026, 0, 1, 12, 30) / 1000);

  let now = new Date(start);
  const tokens = new ApnsTokens(credentials.apns, () => now);
  const first = await tokens.current();
  now = new Date(start + 29 * MINUTE);
  expect(await tokens.current()).toBe(first);
  now = new Date(start + 30 * MINUTE);
  expect(await tokens.current()).not.toBe(first);
});

test('a process that freezes beyond the deadline loses no answer that arrived during the freeze', async () => {
  await simulators.control.change({ apns: { delayMs: { min: 500, max: 500 } } });
  const hasty = open({}, { deadlineMs: 1_500, pingBusyMs: 50, pingTimeoutMs: 1_000 });
  await hasty.send(content, to, ALWAYS_OPEN);
  const { requests } = await simulators.control.counts();
  const sending = hasty.send(content, to, ALWAYS_OPEN);
  await expect.poll(async () => (await simulators.control.counts()).requests).toBe(requests + 1);
  freeze(2_000);
  expect(await sending).toEqual({ kind: 'accepted' });
  await hasty.close();
});
