import type { ClientOptions } from '../client.ts';
import { commonEnvironment, type Environment } from '../environment.ts';
import { createQueue, type Queue } from '../store.ts';
import { indexedDbStore } from './indexed-db.ts';

export interface WebOptions extends ClientOptions {
  /** Apart from other Signalbox clients of the same origin; the service worker says the same. */
  readonly name?: string;
}

/** The same for a page and its service worker, so that they share one queue. */
export function webEnvironment({ name = 'default', onError }: WebOptions): Environment {
  const label = `signalbox/${name}`;
  return {
    ...commonEnvironment(),
    store: indexedDbStore(label, (error) => onError?.({ kind: 'internal', error })),
    inTurn: 'locks' in navigator ? lockQueue(label) : createQueue(),
  };
}

function lockQueue(label: string): Queue {
  return async (work) => await navigator.locks.request(label, work);
}
