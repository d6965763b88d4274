import { emptyState, restoreState, type State } from './state.ts';

export interface Store {
  /** Reads, changes and writes in one step, also against other tabs and the service worker. */
  update<T>(change: (state: State) => T): Promise<T>;
}

/** Storage with the interface of React Native's AsyncStorage. */
export interface KeyValueStorage {
  getItem(key: string): Promise<string | null> | string | null;
  setItem(key: string, value: string): Promise<unknown> | unknown;
}

/** A store for one process, which runs simultaneous updates one after the other. */
export function keyValueStore(storage: KeyValueStorage, key: string): Store {
  const inTurn = createQueue();
  return {
    update: (change) =>
      inTurn(async () => {
        const state = readState(await storage.getItem(key));
        const result = change(state);
        await storage.setItem(key, JSON.stringify(state));
        return result;
      }),
  };
}

export function memoryStorage(): KeyValueStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
  };
}

export type Queue = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue that runs works one after the other. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Damaged state is replaced by an empty one, because an app must not fail for it. */
function readState(text: string | null): State {
  if (text === null) return emptyState();
  try {
    return restoreState(JSON.parse(text));
  } catch {
    return emptyState();
  }
}
