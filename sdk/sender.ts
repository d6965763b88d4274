import { CLEAR_ALL_MS } from './dismissals.ts';
import type { Environment } from './environment.ts';
import type { Server } from './http.ts';
import { callServer } from './http.ts';
import type { ErrorListener } from './problems.ts';
import { remainingWait } from './retry.ts';
import type { State } from './state.ts';
import { decideHeld, nextWork, settle, type Work } from './work.ts';

/** What happens within a second goes in one request. */
const GATHER_MS = 1_000;
const GATHER_ITEMS = 30;

export interface Sender {
  /** Soon, or at once when enough waits. */
  wake(waiting: number): void;
  flush(isClosing?: boolean): Promise<void>;
  online(): Promise<void>;
  stop(): void;
}

export function createSender(env: Environment, server: Server, onError: ErrorListener): Sender {
  let callOff: (() => void) | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let isStopped = false;

  const run = (isClosing: boolean) =>
    env.inTurn(async () => {
      for (;;) {
        const { work, dropped } = await env.store.update((state) => look(state, env));
        if (dropped > 0) onError({ kind: 'dropped', count: dropped });
        if (work === undefined) return;
        const answer = await callServer(env, server, work.call, isClosing);
        const problems = await env.store.update((state) => settle(state, work, answer, env));
        for (const problem of problems) onError(problem);
      }
    });

  const flush = async (isClosing = false): Promise<void> => {
    cancel();
    try {
      await run(isClosing);
      const wait = await env.store.update((state) => waitOf(state, env.now()));
      if (wait !== undefined) wakeIn(wait);
    } catch (error) {
      onError({ kind: 'internal', error });
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
    wake: (waiting) => wakeIn(waiting >= GATHER_ITEMS ? 0 : GATHER_MS),
    flush,
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
