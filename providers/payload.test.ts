import { beforeEach, expect, test } from 'vitest';
import { Switches } from '../dev/simulators/config.ts';
import { createDevCredentials } from '../dev/simulators/credentials.ts';
import { apnsToken, fcmToken } from '../dev/simulators/tokens.ts';
import { Content } from '../domain/content/content.ts';
import { messageOf } from '../domain/content/content-variant.ts';
import type { Channel, Platform } from '../domain/platform.ts';
import { useSimulators } from '../test/setup/simulators.ts';
import { openPushService } from './open-push-service.ts';
import { ALWAYS_OPEN } from './push-service.ts';

const { credentials, config } = createDevCredentials();
const simulators = useSimulators(config);
const tokenOf = { apns: apnsToken(1), fcm: fcmToken(1) };
beforeEach(async () => {
  const fresh = Switches.parse({});
  await simulators.control.change({ apns: fresh, fcm: fresh });
  await simulators.control.reset();
});

/** Sends the content to the simulator, which is as strict as the service, and returns what it received. */
async function sent(channel: Channel, platform: Platform, more: object) {
  const { apnsUrl, fcmUrl, fcmTokenUrl, ca } = simulators;
  const service = openPushService(channel, credentials[channel], {
    apns: { url: new URL(apnsUrl), ca },
    fcm: { url: new URL(fcmUrl), ca },
    fcmToken: { url: new URL(fcmTokenUrl), ca },
  });
  const content = Content.parse({ title: 'Sale', body: 'Today', ...more });
  const to = { token: tokenOf[channel], messageId: 'm', collapseId: 'c' };
  try {
    const outcome = await service.send(messageOf(content, platform, undefined), to, ALWAYS_OPEN);
    expect(outcome).toEqual({ kind: 'accepted' });
  } finally {
    await service.close();
  }
  const [body] = await simulators.control.bodies();
  return JSON.parse(body?.body ?? '');
}
const ios = (more: object) => sent('apns', 'ios', more);
const android = (more: object) => sent('fcm', 'android', more);

test('what iOS alone can say is in aps, and data beside it', async () => {
  const own = { interruptionLevel: 'time-sensitive', relevanceScore: 0.5, threadId: 't', category: 'ORDER' };
  const payload = await ios({ badge: 0, data: { sku: 'a"b' }, platforms: { ios: own } });
  expect(payload).toEqual({
    aps: {
      alert: { title: 'Sale', body: 'Today' },
      'mutable-content': 1,
      sound: 'default',
      badge: 0,
      'interruption-level': 'time-sensitive',
      'relevance-score': 0.5,
      'thread-id': 't',
      category: 'ORDER',
    },
    sku: 'a"b',
    sb: { messageId: 'm' },
  });
});

test('what Android alone can say is in android, and data beside the data of the engine', async () => {
  const own = { channelId: 'orders', icon: 'ic_order', color: '#FF8800', directBootOk: true, ttlSeconds: 60 };
  const { message } = await android({ data: { sku: 'a"b' }, badge: 3, platforms: { android: own } });
  expect(message).toEqual({
    token: tokenOf.fcm,
    notification: { title: 'Sale', body: 'Today' },
    data: { messageId: 'm', sku: 'a"b' },
    android: {
      priority: 'HIGH',
      ttl: '60s',
      direct_boot_ok: true,
      collapse_key: 'c',
      notification: {
        tag: 'c',
        channel_id: 'orders',
        icon: 'ic_order',
        color: '#FF8800',
        sound: 'default',
        notification_count: 3,
      },
    },
  });
});

test.each([
  [{}, 'default'],
  [{ sound: 'bell.caf' }, 'bell.caf'],
  [{ sound: null }, undefined],
  [{ sound: 'none' }, undefined],
])('%j rings on both as %s', async (more, sound) => {
  expect((await ios(more)).aps.sound).toBe(sound);
  await simulators.control.reset();
  expect((await android(more)).message.android.notification.sound).toBe(sound);
});

test('a critical alert has the form of sound that iOS asks of it', async () => {
  const { aps } = await ios({ platforms: { ios: { interruptionLevel: 'critical' } } });
  expect(aps.sound).toEqual({ critical: 1, name: 'default', volume: 1 });
});

test('the number 0 clears the icon of iOS, and leaves counting to Android', async () => {
  expect((await ios({ badge: 0 })).aps.badge).toBe(0);
  await simulators.control.reset();
  expect((await android({ badge: 0 })).message.android.notification).not.toHaveProperty('notification_count');
});
