import type { Address } from '../device-state.ts';
import { addressOf } from './subscription.ts';

/**
 * The address to register with; undefined when notifications are not allowed. Call from a click, because the
 * browser may ask the user. The key is the app's VAPID public key.
 */
export async function subscribe(
  worker: ServiceWorkerRegistration,
  vapidPublicKey: string,
): Promise<Address | undefined> {
  if ((await Notification.requestPermission()) !== 'granted') return undefined;
  const options = { userVisibleOnly: true, applicationServerKey: vapidPublicKey };
  return addressOf(await worker.pushManager.subscribe(options));
}
