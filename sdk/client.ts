import {
  changeDevice,
  createDevice,
  type DeviceChanges,
  type DeviceState,
  type NewDevice,
  type PropertyValue,
} from './device-state.ts';
import type { Environment } from './environment.ts';
import type { Server } from './http.ts';
import { isEssential, siftDevice, unsendable } from './left-out.ts';
import { type ErrorListener, SignalboxError } from './problems.ts';
import { Sender } from './sender.ts';
import type { Item, ReceiptKind, State } from './state.ts';

export interface ClientOptions extends Server {
  /** Receives each problem: items refused or dropped, and requests that failed. */
  readonly onError?: ErrorListener;
}

export interface Registration {
  readonly deviceId: string;
  /** Whether the server has the device. False if it was not reached yet: the SDK retries. */
  readonly isRegistered: boolean;
  /** Whether the server has all changes. False while one waits to be sent. */
  readonly isUpToDate: boolean;
}

/** Each call's data is stored before its promise resolves, and sent when the server can be reached. */
export interface Signalbox {
  /**
   * Call at every start of the app. Rejects when the device's ID, platform or token is refused. Any other
   * refused field is left out, and `onError` names it.
   */
  register(device: NewDevice): Promise<Registration>;
  refresh(changes: DeviceChanges): Promise<Registration>;
  /** Call after `register`, with a token that the app's backend signed, or null when the user signs out. */
  bindUser(token: string | null): Promise<Registration>;
  unsubscribe(): Promise<Registration>;
  resubscribe(): Promise<Registration>;
  track(name: string, properties?: Readonly<Record<string, PropertyValue>>): Promise<void>;
  /** `blocked`: the message arrived, but notifications are off. */
  delivered(messageId: string, how?: { blocked?: boolean }): Promise<void>;
  impression(messageId: string): Promise<void>;
  /** Reports of one message within a minute are one tap, also from other tabs and the service worker. */
  opened(messageId: string): Promise<void>;
  /** Counts a dismissal, unless others are closed at nearly the same time, which is "clear all". */
  dismissed(messageId: string): Promise<void>;
  /** Sends all items that can be sent now. */
  flush(): Promise<void>;
  /** The number of items that wait to be sent. */
  waiting(): Promise<number>;
  /** Ends timers and listeners. Stored data stays. */
  close(): void;
}

/** The client as the entry points of the platforms use it. */
export interface Client extends Signalbox {
  /** Sends at once the items that waited for the network. */
  online(): Promise<void>;
  /** Sends unanswered items by requests that outlive the page. */
  flushOnUnload(): void;
}

export function createClient(env: Environment, options: ClientOptions): Client {
  const onError = quiet(options.onError);
  const sender = new Sender(env, options, onError);
  const receiptOf = (messageId: string, kind: ReceiptKind, more: { blocked?: boolean } = {}): Item => {
    const id = env.randomId();
    const at = new Date(env.now()).toISOString();
    return { kind: 'receipt', id, body: { messageId, kind, eventId: id, at, ...more } };
  };
  /** Leaves out what no request can carry. */
  const sendable = <Fields extends object>(fields: Fields): Fields => {
    const { kept, faults } = siftDevice(fields);
    if (faults.length === 0) return kept;
    const fault = unsendable(faults);
    onError({ kind: 'device', fault });
    if (faults.some(isEssential)) throw new SignalboxError(fault);
    return kept;
  };
  const tell = async (change: (state: State) => void): Promise<Registration> => {
    await env.store.update(change);
    await sender.flush();
    return await readRegistration(env);
  };
  const wish = (what: Partial<Pick<DeviceState, 'unsubscribe' | 'user'>>) =>
    tell((state) => void Object.assign(known(state), what, { fault: null }));

  return {
    register: async (device) => {
      const kept = sendable(device);
      return await tell((state) => registerIn(state, kept, env.randomId()));
    },
    refresh: async (changes) => {
      const kept = sendable(changes);
      return await tell((state) => changeDevice(known(state), kept));
    },
    bindUser: async (token) => {
      if (typeof token !== 'string' && token !== null)
        throw new TypeError('bindUser() needs the user token as text, or null to unbind the user');
      return await wish({ user: { token } });
    },
    unsubscribe: () => wish({ unsubscribe: true }),
    resubscribe: () => wish({ unsubscribe: false }),
    track: (name, properties) => {
      const id = env.randomId();
      const at = new Date(env.now()).toISOString();
      return sender.add({ kind: 'event', id, body: { id, name, at, ...(properties && { properties }) } });
    },
    delivered: (messageId, { blocked = false } = {}) =>
      sender.add(receiptOf(messageId, 'delivered', blocked ? { blocked } : {})),
    impression: (messageId) => sender.add(receiptOf(messageId, 'impression')),
    opened: (messageId) => sender.add(receiptOf(messageId, 'open')),
    dismissed: async (messageId) => {
      const item = sender.check(receiptOf(messageId, 'dismissal'));
      if (item === undefined) return;
      const closing = { id: item.id, messageId, at: env.now(), isTogether: false };
      await env.store.update((state) => {
        state.held.push(closing);
      });
      sender.wake();
    },
    flush: () => sender.flush(),
    close: () => sender.stop(),
    online: () => sender.online(),
    flushOnUnload: () => sender.flushOnUnload(),
    waiting: () => env.store.update(({ outbox, held }) => outbox.length + held.length),
  };
}

/** A listener that fails must not stop the sending. */
function quiet(listener: ErrorListener | undefined): ErrorListener {
  return (problem) => {
    try {
      listener?.(problem);
    } catch (error) {
      console.error('signalbox: onError failed', error);
    }
  };
}

function registerIn(state: State, device: NewDevice, ownId: string): void {
  const { device: before } = state;
  const isOther =
    before === null ||
    before.platform !== device.platform ||
    (device.deviceId !== undefined && device.deviceId !== before.id);
  if (isOther) {
    state.device = createDevice(device, ownId);
    return;
  }
  const { deviceId: _, platform: __, ...changes } = device;
  changeDevice(before, changes);
}

function known({ device }: State) {
  if (device === null) throw new Error('Call register() first');
  return device;
}

async function readRegistration(env: Environment): Promise<Registration> {
  const { id, isRegistered, changes, unsubscribe, user, fault } = await env.store.update((state) =>
    known(state),
  );
  if (fault !== null) throw new SignalboxError(fault);
  const isTold = changes === null && unsubscribe === null && user === null;
  return { deviceId: id, isRegistered, isUpToDate: isRegistered && isTold };
}
