export interface WebPushSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/**
 * The browsers' push services: a host, `*.` for the host with all hosts below it, and a path where the host
 * serves other things too. With other addresses a page could make the engine call any server. The list is the
 * union of public ones, without the wide suffixes (*.google.com) that some have:
 * https://github.com/web-push-libs/web-push/issues/801
 * https://github.com/basecamp/once-campfire/blob/main/app/models/push/subscription.rb
 * https://github.com/element-hq/sygnal/blob/main/sygnal/webpushpushkin.py
 * https://github.com/beverloo/peter.sh/pull/54
 */
const PUSH_SERVICES = [
  // Chrome, Edge on Android, Opera, Samsung Internet. The second is the address of old subscriptions.
  'fcm.googleapis.com',
  'android.googleapis.com',
  // Chromium without Google's keys, as Linux distributions build it:
  // https://source.chromium.org/chromium/chromium/src/+/main:components/push_messaging/push_messaging_constants.cc
  'jmt17.google.com',
  // Firefox, and Mozilla's two test services.
  '*.push.services.mozilla.com',
  'updates-autopush.stage.mozaws.net',
  'updates-autopush.dev.mozaws.net',
  // Safari.
  '*.push.apple.com',
  // Edge on Windows.
  '*.notify.windows.com',
  // Meta Quest Browser.
  'graph.facebook.com/rl_push_send',
].map((service) => {
  const [host = '', path = ''] = service.split('/');
  return { host: host.replace('*.', ''), hasHostsBelow: host.startsWith('*.'), path };
});
/** The public key has 65 bytes and starts with 4. The secret has 16 bytes. */
const P256DH = /^B[A-P][A-Za-z0-9_-]{85}=?$/;
const AUTH = /^[A-Za-z0-9_-]{22}(?:==)?$/;

export type SubscriptionPart = 'endpoint' | 'keys.p256dh' | 'keys.auth';

export function subscriptionFault({
  endpoint,
  keys,
}: WebPushSubscription): { at: SubscriptionPart; fault: string } | undefined {
  const where = endpointFault(endpoint);
  if (where !== undefined) return { at: 'endpoint', fault: where };
  if (!P256DH.test(keys.p256dh) || !isOnCurve(keys.p256dh)) {
    return { at: 'keys.p256dh', fault: 'must be an uncompressed point of P-256 in base64url' };
  }
  if (!AUTH.test(keys.auth)) return { at: 'keys.auth', fault: 'must be 16 bytes in base64url' };
  return undefined;
}

/** The text by which a subscription is stored and compared. Equal subscriptions have equal texts. */
export function subscriptionToken({ endpoint, keys }: WebPushSubscription): string {
  const bare = (text: string) => text.replace(/=+$/, '');
  return JSON.stringify({ endpoint, keys: { p256dh: bare(keys.p256dh), auth: bare(keys.auth) } });
}

export function readSubscription(text: string): WebPushSubscription | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { endpoint, keys } = Object(value) as { endpoint?: unknown; keys?: unknown };
  const { p256dh, auth } = Object(keys) as { p256dh?: unknown; auth?: unknown };
  if (typeof endpoint !== 'string' || typeof p256dh !== 'string' || typeof auth !== 'string')
    return undefined;
  return { endpoint, keys: { p256dh, auth } };
}

function endpointFault(endpoint: string): string | undefined {
  if (endpoint.length > 2048) return 'must have at most 2048 characters';
  // The parser drops tabs and line breaks, and takes a backslash for a slash. Other parsers do not.
  const url = /^[!-[\]-~]*$/.test(endpoint) ? URL.parse(endpoint) : null;
  if (url === null || url.protocol !== 'https:') return 'must be an https URL';
  const isPlain = url.port === '' && url.username === '' && url.password === '' && url.hash === '';
  if (!isPlain) return 'must have no port, user name, password or fragment';
  return isOfService(url) ? undefined : `must be a URL of a browser's push service, and ${url.host} is none`;
}

function isOfService({ hostname, pathname }: URL): boolean {
  return PUSH_SERVICES.some(
    ({ host, hasHostsBelow, path }) =>
      (hostname === host || (hasHostsBelow && hostname.endsWith(`.${host}`))) &&
      (path === '' || pathname.split('/')[1] === path),
  );
}

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** Encryption to a point off the curve fails. Refusing the key now avoids a failure at every push. */
function isOnCurve(base64url: string): boolean {
  const bytes = atob(base64url.replace(/=$/, '').replaceAll('-', '+').replaceAll('_', '/'));
  const numberAt = (from: number) =>
    Array.from(bytes.slice(from, from + 32)).reduce(
      (sum, byte) => (sum << 8n) | BigInt(byte.charCodeAt(0)),
      0n,
    );
  const [x, y] = [numberAt(1), numberAt(33)];
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}
