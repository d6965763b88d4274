import { CLEAR_ALL_MS } from './dismissals.ts';
import type { Environment } from './environment.ts';
import type { Server } from './http.ts';
import { callServer } from './http.ts';
import { createLastWords } from './last-words.ts';
import type { ErrorListener } from './problems.ts';
import { remainingWait } from './retry.ts';
import { enqueue, type Item, type State } from './state.ts';
import { decideHeld, nextWork, settle, type Work } from './work.ts';

/** What happens within a second goes in one request. */
const GATHER_MS = 1_000;
const GATHER_ITEMS = 30;

export interface Sender {
  /** Stores it, and sends it soon, or at once when enough waits. */
  add(item: Item): Promise<void>;
  /** Something happened that is sent soon. */
  wake(): void;
  flush(): Promise<void>;
  /** It stays stored, and is sent again later if nobody is left to hear the answer. */
  sendLast(): void;
  online(): Promise<void>;
  stop(): void;
}

export function createSender(env: Environment, server: Server, onError: ErrorListener): Sender {
  const lastWords = createLastWords();
  let callOff: (() => void) | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let isStopped = false;

  const perform = async (work: Work, isClosing = false) => {
    const answer = await callServer(env, server, work.call, isClosing);
    const problems = await env.store.update((state) => settle(state, work, answer, env));
    for (const problem of problems) onError(problem);
  };
  const run = () =>
    env.inTurn(async () => {
      for (;;) {
        const { work, dropped } = await env.store.update((state) => look(state, env));
        if (dropped > 0) onError({ kind: 'dropped', count: dropped });
        if (work === undefined) return;
        await perform(work);
      }
    });
  const fail = (error: unknown) => onError({ kind: 'internal', error });

  const flush = async (): Promise<void> => {
    cancel();
    try {
      await run();
      const wait = await env.store.update((state) => {
        lastWords.compare(state, env.now());
        return waitOf(state, env.now());
      });
      if (wait !== undefined) wakeIn(wait);
    } catch (error) {
      fail(error);
    }
  };

  const cancel = () => {
    callOff?.();
    callOff = undefined;
    dueAt = Number.POSITIVE_INFINITY;
  };
  const wakeIn = (ms: number) => {
    const at = env.now() + ms;
    if (isStopped || at >= dueAt) return;
    cancel();
    dueAt = at;
    callOff = env.after(ms, () => void flush());
  };

  return {
    add: async (item) => {
      lastWords.add(item);
      const waiting = await env.store.update((state) => {
        enqueue(state, [item]);
        return state.outbox.length;
      });
      lastWords.stored(item);
      wakeIn(waiting >= GATHER_ITEMS ? 0 : GATHER_MS);
    },
    wake: () => wakeIn(GATHER_MS),
    flush,
    sendLast: () => {
      for (const work of lastWords.work(env.now())) perform(work, true).catch(fail);
    },
    online: async () => {
      await env.store.update((state) => {
        if (state.isOffline) state.notBefore = 0;
      });
      await flush();
    },
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
}

function look(state: State, env: Environment): { work: Work | undefined; dropped: number } {
  const now = env.now();
  decideHeld(state, now);
  const { dropped } = state;
  state.dropped = 0;
  const work = remainingWait(state.notBefore, now) > 0 ? undefined : nextWork(state, env);
  return { work, dropped };
}

/** When there will be something to do; undefined when something new has to happen first. */
function waitOf(state: State, now: number): number | undefined {
  const isHolding = state.held.length > 0;
  const isWaiting = remainingWait(state.notBefore, now);
  if (isWaiting > 0) return isWaiting;
  return isHolding ? CLEAR_ALL_MS + 1 : undefined;
}
