import { type ClientOptions, createClient, type Signalbox } from './client.ts';
import { commonEnvironment, requireRandom } from './environment.ts';
import { createQueue, type KeyValueStorage, keyValueStore } from './store.ts';

export type { ClientOptions, Registration, Signalbox } from './client.ts';
export type { Address, DeviceChanges, Fault, NewDevice, PropertyValue } from './device-state.ts';
export { SignalboxError, type SignalboxProblem } from './problems.ts';
export type { Item } from './state.ts';
export type { KeyValueStorage } from './store.ts';

interface Subscription {
  remove(): void;
}

/** React Native's `AppState`. */
export interface AppStateLike {
  addEventListener(type: 'change', listener: (state: string) => void): Subscription;
}

export interface ReactNativeOptions extends ClientOptions {
  /** AsyncStorage, or anything with its `getItem` and `setItem`. */
  readonly storage: KeyValueStorage;
  /**
   * React Native's `AppState`. With it, waiting items are sent when the app comes to the front or leaves it.
   */
  readonly appState?: AppStateLike;
  /** Separates this client's data from that of other Signalbox clients in the app. */
  readonly name?: string;
}

export function createSignalbox(options: ReactNativeOptions): Signalbox {
  requireRandom();
  const { storage, appState, name = 'default' } = options;
  const store = keyValueStore(storage, `signalbox/${name}`);
  const env = { ...commonEnvironment(), store, inTurn: createQueue() };
  const { online, flushOnUnload: _, ...client } = createClient(env, options);
  const coming = appState?.addEventListener('change', (state) => {
    void (state === 'active' ? online() : client.flush());
  });
  void client.flush();
  return {
    ...client,
    close: () => {
      coming?.remove();
      client.close();
    },
  };
}
