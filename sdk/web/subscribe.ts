import type { WebSubscription } from '../device-state.ts';
import { readSubscription } from './subscription.ts';

/**
 * Asks the user when necessary; call it from a click. Undefined when notifications are not allowed. The key is the app's
 * VAPID public key.
 */
export async function subscribe(
  worker: ServiceWorkerRegistration,
  vapidPublicKey: string,
): Promise<WebSubscription | undefined> {
  if ((await Notification.requestPermission()) !== 'granted') return undefined;
  const options = { userVisibleOnly: true, applicationServerKey: vapidPublicKey };
  return readSubscription(await worker.pushManager.subscribe(options));
}
