import { restoreState, type State } from '../state.ts';
import { keyValueStore, memoryStorage, type Store } from '../store.ts';

const STATES = 'states';
const KEY = 'state';

/** One state for all tabs and the service worker, in memory where the browser cannot store. */
export function indexedDbStore(name: string, onFallback: (error: unknown) => void): Store {
  const memory = keyValueStore(memoryStorage(), KEY);
  let opening: Promise<IDBDatabase | undefined> | undefined;
  const open = () => {
    opening ??= openDatabase(name, () => {
      opening = undefined;
    }).catch((error: unknown) => {
      onFallback(error);
      return undefined;
    });
    return opening;
  };
  return {
    update: async (change) => {
      const database = await open();
      return database === undefined ? await memory.update(change) : await updateIn(database, change);
    },
  };
}

function openDatabase(name: string, onClose: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STATES);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = onClose;
      database.onversionchange = () => {
        database.close();
        onClose();
      };
      resolve(database);
    };
  });
}

function updateIn<T>(database: IDBDatabase, change: (state: State) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STATES, 'readwrite');
    const states = transaction.objectStore(STATES);
    let result: { readonly value: T } | undefined;
    let thrown: unknown;
    const reading: IDBRequest<unknown> = states.get(KEY);
    reading.onsuccess = () => {
      try {
        const state = restoreState(reading.result);
        result = { value: change(state) };
        states.put(state, KEY);
      } catch (error) {
        thrown = error;
        transaction.abort();
      }
    };
    transaction.onabort = () => reject(thrown ?? transaction.error);
    transaction.oncomplete = () => result && resolve(result.value);
  });
}
