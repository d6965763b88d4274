import { vi } from 'vitest';
import { createSignalbox, type Signalbox, type SignalboxProblem } from '../react-native.ts';

export interface Phone {
  readonly stored: Map<string, string>;
  readonly problems: SignalboxProblem[];
  /** Starts the app. Its storage survives a restart. */
  start(app?: { endpoint: string; sdkKey: string }): Signalbox;
  comeToFront(): void;
  quit(): void;
}

/** A phone with React Native. */
export function createPhone(app: { endpoint: string; sdkKey: string }): Phone {
  const stored = new Map<string, string>();
  const storage = {
    getItem: async (key: string) => stored.get(key) ?? null,
    setItem: async (key: string, value: string) => void stored.set(key, value),
  };
  const problems: SignalboxProblem[] = [];
  const running: Signalbox[] = [];
  let tell: (state: string) => void = () => undefined;
  const appState = {
    addEventListener: (_type: 'change', listener: (state: string) => void) => {
      tell = listener;
      return { remove: () => undefined };
    },
  };
  return {
    stored,
    problems,
    start: (other = app) => {
      const onError = (problem: SignalboxProblem) => void problems.push(problem);
      const signalbox = createSignalbox({ ...other, storage, appState, onError });
      running.push(signalbox);
      return signalbox;
    },
    comeToFront: () => tell('active'),
    quit: () => {
      for (const signalbox of running.splice(0)) signalbox.close();
    },
  };
}

/** Requests reach the server, and their answers do not arrive. */
export function loseAnswers(times: number): void {
  const { fetch } = globalThis;
  let left = times;
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (left-- <= 0) return response;
    throw new TypeError('Network request failed');
  });
}
