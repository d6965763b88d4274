import type { Queue, Store } from './store.ts';

/** The platform's functions, from a browser, React Native or a test. */
export interface Environment {
  readonly store: Store;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** An ID that cannot be guessed. */
  readonly randomId: () => string;
  /** Runs one work at a time, also across other tabs and the service worker. */
  readonly inTurn: Queue;
  /** Schedules the work. Returns the function that cancels it. */
  readonly after: (ms: number, work: () => void) => () => void;
}

/** The functions that browsers, workers and React Native have in common. */
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

/** React Native has no secure random numbers of its own. */
export function requireRandom(): void {
  if (typeof globalThis.crypto?.getRandomValues === 'function') return;
  throw new Error("crypto.getRandomValues is missing: import 'react-native-get-random-values' first");
}
