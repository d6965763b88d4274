import type { ClientOptions } from '../client.ts';
import { commonEnvironment, type Environment } from '../environment.ts';
import { createQueue, type Queue } from '../store.ts';
import { indexedDbStore } from './indexed-db.ts';

export interface WebOptions extends ClientOptions {
  /**
   * Separates this client's data from that of others on the origin. The service worker uses the same name.
   */
  readonly name?: string;
}

/** The environment of a page and of its service worker, which share one queue. */
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
