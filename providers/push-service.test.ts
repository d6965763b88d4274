import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Switches } from '../dev/simulators/config.ts';
import { createDevCredentials } from '../dev/simulators/credentials.ts';
import { apnsToken, fcmToken, tokenFate } from '../dev/simulators/tokens.ts';
import { Content } from '../domain/content/content.ts';
import { CHANNELS, type Channel } from '../domain/platform.ts';
import type { Outcome } from '../domain/pushes/outcome.ts';
import { CLIENTS } from '../test/h2-rig.ts';
import { useSimulators } from '../test/setup/simulators.ts';
import type { Http2Client } from './connection/h2-connection.ts';
import { CredentialError, openPushService } from './open-push-service.ts';
import { ALWAYS_OPEN, type PushService } from './push-service.ts';

const STORM = 20_000;
const STORM_TIMEOUT_MS = 60_000;
const IN_FLIGHT = 400;

const { credentials, config } = createDevCredentials();
const content = Content.parse({ title: 'Sale', body: 'Everything must go', deepLink: 'shop://sale' });
const tokenOf = { apns: apnsToken, fcm: fcmToken };
const simulators = useSimulators(config);
beforeEach(async () => {
  const fresh = Switches.parse({});
  await simulators.control.change({ apns: fresh, fcm: fresh });
  await simulators.control.reset();
});

async function withServiceOn<T>(
  http2: Http2Client,
  channel: Channel,
  use: (service: PushService) => Promise<T>,
): Promise<T> {
  const { apnsUrl, fcmUrl, fcmTokenUrl, ca } = simulators;
  const service = openPushService(
    channel,
    credentials[channel],
    {
      apns: { url: new URL(apnsUrl), ca },
      fcm: { url: new URL(fcmUrl), ca },
      fcmToken: { url: new URL(fcmTokenUrl), ca },
    },
    { http2 },
  );
  try {
    return await use(service);
  } finally {
    await service.close();
  }
}

/** Sends to `count` devices, again where the answer is to retry later; returns the last outcome of each. */
async function sendAll(
  service: PushService,
  channel: Channel,
  count: number,
  afterEach: (sent: number) => Promise<void> = async () => {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  let sent = 0;
  async function sender(): Promise<void> {
    while (next < count) {
      const n = next++;
      const to = { token: tokenOf[channel](n), messageId: `${channel}-${n}`, collapseId: `c${n}` };
      let outcome = await service.send(content, to, ALWAYS_OPEN);
      while (outcome.kind === 'retry_later') {
        await setImmediate();
        outcome = await service.send(content, to, ALWAYS_OPEN);
      }
      outcomes[n] = outcome;
      await afterEach(++sent);
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return outcomes;
}

function tally(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe.each(CLIENTS)('%s', (http2) => {
  const withService = <T>(channel: Channel, use: (service: PushService) => Promise<T>) =>
    withServiceOn(http2, channel, use);

  test.each(CHANNELS)(
    '%s: a storm of GOAWAYs loses and duplicates nothing',
    async (channel) => {
      await simulators.control.change({ [channel]: { goawayEveryStreams: 400 } });
      const outcomes = await withService(channel, (service) => sendAll(service, channel, STORM));
      expect(tally(outcomes)).toEqual({ accepted: STORM });
      expect(await simulators.control.counts()).toMatchObject({
        processed: STORM,
        distinctMessages: STORM,
        distinctDevices: STORM,
        duplicates: 0,
      });
    },
    STORM_TIMEOUT_MS,
  );

  test.each(CHANNELS)('%s: refused streams are sent again until they are accepted', async (channel) => {
    await simulators.control.change({ [channel]: { refuseStreamsShare: 0.3 } });
    const outcomes = await withService(channel, (service) => sendAll(service, channel, 1000));
    expect(tally(outcomes)).toEqual({ accepted: 1000 });
    expect(await simulators.control.counts()).toMatchObject({ processed: 1000, duplicates: 0 });
  });

  test.each(
    CHANNELS,
  )('%s: a send that was processed without an answer is ambiguous, not repeated', async (channel) => {
    await simulators.control.change({ [channel]: { resetAfterProcessingShare: 0.2 } });
    const outcomes = await withService(channel, (service) => sendAll(service, channel, 1000));
    const { ambiguous, accepted } = tally(outcomes);
    expect(ambiguous).toBeGreaterThan(100);
    expect(Number(accepted) + Number(ambiguous)).toBe(1000);
    expect(await simulators.control.counts()).toMatchObject({ processed: 1000, duplicates: 0 });
  });

  test.each(
    CHANNELS,
  )('%s: connections that drop leave only ambiguous and accepted sends', async (channel) => {
    await simulators.control.change({ [channel]: { delayMs: { min: 1, max: 10 } } });
    const dropSometimes = async (sent: number) => {
      if (sent % 500 === 0) await simulators.control.dropConnections();
    };
    const outcomes = await withService(channel, (service) => sendAll(service, channel, 3000, dropSometimes));
    const { accepted = 0, ambiguous = 0 } = tally(outcomes);
    const counts = await simulators.control.counts();
    expect(accepted + ambiguous).toBe(3000);
    expect(ambiguous).toBeGreaterThan(0);
    expect(counts.duplicates).toBe(0);
    expect(counts.processed).toBeGreaterThanOrEqual(accepted);
  });

  test.each(CHANNELS)('%s: a send that may not start is never seen by the service', async (channel) => {
    const outcome = await withService(channel, (service) =>
      service.send(
        content,
        { token: tokenOf[channel](1), messageId: 'm', collapseId: 'c' },
        { ...ALWAYS_OPEN, mayStart: () => false },
      ),
    );
    expect(outcome).toEqual({ kind: 'not_started' });
    expect((await simulators.control.counts()).requests).toBe(0);
  });

  test.each(CHANNELS)('%s: exactly the bad tokens are rejected', async (channel) => {
    const shares = { shareUnregistered: 0.1, shareBadToken: 0.05 };
    await simulators.control.change({ [channel]: shares });
    const outcomes = await withService(channel, (service) => sendAll(service, channel, 1000));
    const good = outcomes.map((_, n) => tokenFate(tokenOf[channel](n), shares) === 'good');
    expect(outcomes.map(({ kind }) => kind === 'accepted')).toEqual(good);
    expect((await simulators.control.counts()).processed).toBe(good.filter(Boolean).length);
  });
});

test('a credential that is not valid is refused with every fault named', () => {
  const endpoint = { url: new URL('https://127.0.0.1:1') };
  const endpoints = { apns: endpoint, fcm: endpoint, fcmToken: endpoint };
  const open = () => openPushService('apns', { teamId: 'short', keyId: 'ABCDE12345', topic: 'a' }, endpoints);
  expect(open).toThrow(CredentialError);
  expect(open).toThrow(/Apple developer team[\s\S]*privateKey/);
  expect(() =>
    openPushService('fcm', { ...credentials.fcm, private_key: credentials.apns.privateKey }, endpoints),
  ).toThrow(/RSA private key/);
});
