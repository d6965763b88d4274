import type { Address } from '../device-state.ts';

/** Undefined when the browser holds back what it takes to send there. */
export function addressOf(subscription: PushSubscription): Address | undefined {
  const { endpoint, keys } = subscription.toJSON();
  const { p256dh, auth } = keys ?? {};
  if (endpoint === undefined || p256dh === undefined || auth === undefined) return undefined;
  return { kind: 'web_push', subscription: { endpoint, keys: { p256dh, auth } } };
}
