import { createClient, type Registration, type Signalbox } from '../client.ts';
import type { NewDevice } from '../device-state.ts';
import { type WebOptions, webEnvironment } from './environment.ts';

export type { Registration, Signalbox } from '../client.ts';
export type {
  Address,
  DeviceChanges,
  Fault,
  NewDevice,
  PropertyValue,
  WebSubscription,
} from '../device-state.ts';
export { SignalboxError, type SignalboxProblem } from '../problems.ts';
export type { Item } from '../state.ts';
export type { WebOptions } from './environment.ts';
export { subscribe } from './subscribe.ts';

export interface WebSignalbox extends Omit<Signalbox, 'register'> {
  register(device?: Omit<NewDevice, 'platform'>): Promise<Registration>;
}

export function createSignalbox(options: WebOptions): WebSignalbox {
  const { online, flushOnUnload, ...client } = createClient(webEnvironment(options), options);
  const listening = new AbortController();
  const on = { signal: listening.signal };
  addEventListener('online', () => void online(), on);
  addEventListener('pagehide', () => flushOnUnload(), on);
  document.addEventListener('visibilitychange', () => void client.flush(), on);
  void client.flush();
  return {
    ...client,
    register: (device) => client.register({ ...here(), ...device, platform: 'web' }),
    close: () => {
      listening.abort();
      client.close();
    },
  };
}

/** The fields of the device that the browser knows. */
function here(): Pick<NewDevice, 'timeZone' | 'locale'> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { timeZone, locale: navigator.language };
}
