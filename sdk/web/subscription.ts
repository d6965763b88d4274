import type { Address } from '../device-state.ts';

/** Returns undefined when the browser does not reveal the keys of the subscription. */
export function addressOf(subscription: PushSubscription): Address | undefined {
  const { endpoint, keys } = subscription.toJSON();
  const { p256dh, auth } = keys ?? {};
  if (endpoint === undefined || p256dh === undefined || auth === undefined) return undefined;
  return { kind: 'web_push', subscription: { endpoint, keys: { p256dh, auth } } };
}
