import { createECDH } from 'node:crypto';
import { expect, test } from 'vitest';
import { PLATFORMS } from '../platform.ts';
import {
  ADDRESS_KINDS,
  addressFault,
  channelOfKind,
  fitsPlatform,
  normalToken,
  stateOfAddress,
  USUAL_KIND,
} from './address.ts';
import { subscriptionFault, subscriptionToken } from './web-push.ts';

const ecdh = createECDH('prime256v1');
ecdh.generateKeys();
const p256dh = ecdh.getPublicKey('base64url');
const auth = Buffer.alloc(16, 7).toString('base64url');
const endpoint = 'https://updates.push.services.mozilla.com/wpush/v2/gAAAA';
const subscription = { endpoint, keys: { p256dh, auth } };

test("each platform's usual kind fits the platform", () => {
  for (const platform of PLATFORMS) expect(fitsPlatform(USUAL_KIND[platform], platform)).toBe(true);
});

test.each([
  ['apns_token', 'ab'.repeat(32), 'active'],
  ['fcm_token', 'dGhlIHRva2Vu_:APA91b-x', 'active'],
  ['fcm_installation_id', 'cQyWi7ZdT0m4hX1vR9pLsA', 'no_sender'],
  ['web_push', JSON.stringify(subscription), 'no_sender'],
  ['huawei', 'IQAAAACy0kjVAAD4pK9', 'no_sender'],
  ['oppo', 'OPPO_CN_8fe1c', 'no_sender'],
] as const)('a valid address of the kind %s is stored', (kind, token, state) => {
  expect(addressFault(kind, token)).toBeUndefined();
  expect(stateOfAddress({ kind, token })).toBe(state);
});

test.each(ADDRESS_KINDS)('an invalid address of the kind %s is refused with a reason', (kind) => {
  expect(addressFault(kind, 'a b')).toMatch(/^must be /);
  expect(stateOfAddress({ kind, token: null })).toBe('none');
  expect(channelOfKind(kind)).toMatch(/^[a-z_]+$/);
});

/** A public key with one bit changed, which is not on the curve. */
const offCurve = () => {
  const bytes = Buffer.from(p256dh, 'base64url');
  bytes[64] = (bytes[64] ?? 0) ^ 1;
  return bytes.toString('base64url');
};

test.each([
  ['plain http', { endpoint: 'http://updates.push.services.mozilla.com/x' }, 'endpoint'],
  ['a foreign host', { endpoint: 'https://169.254.169.254/latest' }, 'endpoint'],
  ['a host with a similar ending', { endpoint: 'https://evilpush.apple.com/x' }, 'endpoint'],
  ['another port', { endpoint: 'https://web.push.apple.com:8443/x' }, 'endpoint'],
  ['a user name', { endpoint: 'https://a@web.push.apple.com/x' }, 'endpoint'],
  ['no URL', { endpoint: 'nowhere' }, 'endpoint'],
  ['a short key', { keys: { p256dh: 'BAAA', auth } }, 'keys.p256dh'],
  ['a point off the curve', { keys: { p256dh: offCurve(), auth } }, 'keys.p256dh'],
  ['a long secret', { keys: { p256dh, auth: `${auth}AA` } }, 'keys.auth'],
])('a subscription with %s is refused with the path', (_what, change, at) => {
  expect(subscriptionFault({ ...subscription, ...change })?.at).toBe(at);
});

test.each([
  'fcm.googleapis.com/fcm/send/a:b',
  'fcm.googleapis.com/wp/a',
  'android.googleapis.com/gcm/send/a',
  'jmt17.google.com/fcm/send/a',
  'updates.push.services.mozilla.com/wpush/v2/a',
  'updates-autopush.stage.mozaws.net/wpush/v2/a',
  'web.push.apple.com/QAz',
  'db5.notify.windows.com/w/?token=a',
  'wns2-par02p.notify.windows.com/w/?token=a',
  'graph.facebook.com/rl_push_send/?a=b',
  'FCM.googleapis.com:443/fcm/send/a',
])('a subscription of a browser is accepted: https://%s', (address) => {
  expect(subscriptionFault({ ...subscription, endpoint: `https://${address}` })).toBeUndefined();
});

test.each([
  'permanently-removed.invalid/fcm/send/a',
  'web.push.apple.com.evil.example/a',
  'evilpush.apple.com.evil.example/a',
  'evilnotify.windows.com/a',
  'evil.fcm.googleapis.com/a',
  'storage.googleapis.com/a',
  'www.google.com/a',
  'graph.facebook.com/me/feed',
  'graph.facebook.com/rl_push_send/../me/feed',
  'graph.facebook.com/rl_push_sender',
  'fcm.googleapis.com./a',
  'fcm.googleapis.com\\@evil.example@evil.example/a',
  '[::1]/a',
])('another address is refused: https://%s', (address) => {
  expect(subscriptionFault({ ...subscription, endpoint: `https://${address}` })?.at).toBe('endpoint');
});

test('the refusal names the host', () => {
  const endpoint = 'https://permanently-removed.invalid/fcm/send/a';
  expect(subscriptionFault({ ...subscription, endpoint })?.fault).toBe(
    "must be a URL of a browser's push service, and permanently-removed.invalid is none",
  );
});

test('every key of a browser is accepted, and padding does not change the token', () => {
  for (let i = 0; i < 50; i++) {
    ecdh.generateKeys();
    const key = ecdh.getPublicKey('base64url');
    expect(subscriptionFault({ endpoint, keys: { p256dh: key, auth } })).toBeUndefined();
  }
  const padded = { endpoint, keys: { p256dh: `${p256dh}=`, auth: `${auth}==` } };
  expect(subscriptionFault(padded)).toBeUndefined();
  expect(subscriptionToken(padded)).toBe(subscriptionToken(subscription));
});

test.each(ADDRESS_KINDS.filter((kind) => kind !== 'apns_token'))('a %s keeps its case', (kind) => {
  expect(normalToken(kind, 'aBcD')).toBe('aBcD');
});
