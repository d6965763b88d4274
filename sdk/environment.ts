import type { Queue, Store } from './store.ts';

/** What the platform gives: a browser, React Native, or a test. */
export interface Environment {
  readonly store: Store;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Cannot be guessed. */
  readonly randomId: () => string;
  /** One at a time, also of other tabs and the service worker. */
  readonly inTurn: Queue;
  /** Returns how to call it off. */
  readonly after: (ms: number, work: () => void) => () => void;
}

/** What browsers, workers and React Native have in common. */
export function commonEnvironment(): Omit<Environment, 'store' | 'inTurn'> {
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    now: () => Date.now(),
    random: () => Math.random(),
    randomId,
    after: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}

function randomId(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** React Native has no random numbers of its own that nobody can guess. */
export function requireRandom(): void {
  if (typeof globalThis.crypto?.getRandomValues === 'function') return;
  throw new Error("crypto.getRandomValues is missing: import 'react-native-get-random-values' first");
}
