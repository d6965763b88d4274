import { createClient } from '../client.ts';
import { CLEAR_ALL_MS } from '../dismissals.ts';
import { type WebOptions, webEnvironment } from './environment.ts';
import { type Kept, linkOf, type Message, readKept, readMessage, safeLink } from './message.ts';
import { addressOf } from './subscription.ts';

declare const self: ServiceWorkerGlobalScope;

export interface WorkerOptions extends WebOptions {
  /** Other origins that a notification may open, as in https://shop.example. */
  readonly linkOrigins?: readonly string[];
  readonly icon?: string;
  readonly badge?: string;
}

const SYNC = 'signalbox';

/** Call at the top of the service worker, because listeners added later miss the event that woke it. */
export function handlePushes(options: WorkerOptions): void {
  const client = createClient(webEnvironment(options), options);
  const fail = (error: unknown) => options.onError?.({ kind: 'internal', error });
  const send = async () => {
    await client.flush();
    if ((await client.waiting()) > 0) await sendWhenOnline();
  };

  self.addEventListener('push', (event) => {
    const message = readMessage(event.data?.text() ?? '');
    if (message === undefined) return;
    const arrive = async () => {
      const isShown = await show(message, options);
      await client.delivered(message.messageId, { blocked: !isShown });
      if (isShown) await client.impression(message.messageId);
      await send();
    };
    event.waitUntil(arrive());
  });

  self.addEventListener('notificationclick', (event) => {
    const kept = readKept(event.notification.data);
    if (kept === undefined) return;
    event.notification.close();
    const link = safeLink(linkOf(kept, event.action), self.registration.scope, options.linkOrigins ?? []);
    // The window opens first, because browsers allow it only for a moment after the click.
    const opening = openPage(link ?? self.registration.scope).catch(fail);
    event.waitUntil(Promise.all([opening, client.opened(kept.messageId).then(send)]));
  });

  self.addEventListener('notificationclose', (event) => {
    const kept = readKept(event.notification.data);
    if (kept === undefined) return;
    const close = async () => {
      await client.dismissed(kept.messageId);
      await new Promise((resolve) => setTimeout(resolve, CLEAR_ALL_MS + 1));
      await send();
    };
    event.waitUntil(close());
  });

  self.addEventListener('pushsubscriptionchange', (event) => {
    const renew = async () => {
      const address = await renewed(event as SubscriptionChange);
      await client.refresh(address === undefined ? { token: null } : { address });
    };
    (event as SubscriptionChange).waitUntil(renew().catch(fail));
  });

  self.addEventListener('sync', (event) => {
    const { tag } = event as SyncEvent;
    if (tag === SYNC) (event as SyncEvent).waitUntil(client.online());
  });
}

/** Not in TypeScript's library, and not in every browser. */
interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}
interface SubscriptionChange extends ExtendableEvent {
  readonly oldSubscription?: PushSubscription | null;
  readonly newSubscription?: PushSubscription | null;
}

/** False when the user switched notifications off. */
async function show(message: Message, { icon, badge }: WorkerOptions): Promise<boolean> {
  if (Notification.permission !== 'granted') return false;
  const { title, imageUrl: image, messageId, deepLink, buttons = [], ...shown } = message;
  const kept: Kept = { messageId, buttons, ...(deepLink !== undefined && { deepLink }) };
  const options = {
    ...(icon !== undefined && { icon }),
    ...(badge !== undefined && { badge }),
    ...shown,
    data: { signalbox: kept },
    ...(image !== undefined && { image }),
    actions: buttons.map(({ id, title }) => ({ action: id, title })),
  };
  return await self.registration.showNotification(title, options).then(
    () => true,
    () => false,
  );
}

async function openPage(url: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = windows.find((window) => window.url === url);
  if (there === undefined) await self.clients.openWindow(url);
  else await there.focus();
}

async function renewed({ oldSubscription, newSubscription }: SubscriptionChange) {
  if (newSubscription) return addressOf(newSubscription);
  if (!oldSubscription) return undefined;
  return addressOf(await self.registration.pushManager.subscribe(oldSubscription.options));
}

/**
 * Asks the browser to wake the worker when the network is back. Without that API the next page or push sends.
 */
async function sendWhenOnline(): Promise<void> {
  const { sync } = self.registration as { sync?: { register(tag: string): Promise<void> } };
  await sync?.register(SYNC).catch(() => undefined);
}
