import { CLEAR_ALL_MS } from './dismissals.ts';
import type { Environment } from './environment.ts';
import type { Server } from './http.ts';
import { callServer } from './http.ts';
import { mendDevice } from './left-out.ts';
import type { ErrorListener, SignalboxProblem } from './problems.ts';
import { remainingWait } from './retry.ts';
import { checkItem, enqueue, type Item, type State, takeUnsendable } from './state.ts';
import { isRepeatedTap } from './taps.ts';
import { createUnloadQueue } from './unload-queue.ts';
import { decideHeld, nextWork, settle, type Work } from './work.ts';

/** Items added within this time share a request. */
const GATHER_MS = 1_000;
const GATHER_ITEMS = 30;

export class Sender {
  readonly #env: Environment;
  readonly #server: Server;
  readonly #onError: ErrorListener;
  readonly #unloadQueue = createUnloadQueue();
  #cancelTimer: (() => void) | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(env: Environment, server: Server, onError: ErrorListener) {
    this.#env = env;
    this.#server = server;
    this.#onError = onError;
  }

  /** Stores the item, and sends it soon, or at once when enough items wait. */
  async add(given: Item): Promise<void> {
    const item = this.check(given);
    if (item === undefined) return;
    this.#unloadQueue.add(item);
    const waiting = await this.#env.store.update((state) => {
      if (isRepetition(state, item)) return 0;
      enqueue(state, [item]);
      return state.outbox.length;
    });
    if (waiting === 0) return this.#unloadQueue.drop(item);
    this.#unloadQueue.markStored(item);
    this.#flushIn(waiting >= GATHER_ITEMS ? 0 : GATHER_MS);
  }

  /** Returns the item as it can be sent. Tells of an item that never can be, and returns undefined. */
  check(given: Item): Item | undefined {
    const { item, reason } = checkItem(given);
    if (reason === undefined) return item;
    this.#onError({ kind: 'refused', item, reason });
    return undefined;
  }

  /** Schedules a flush for a change that the caller has stored. */
  wake(): void {
    this.#flushIn(GATHER_MS);
  }

  async flush(): Promise<void> {
    const { store, now } = this.#env;
    this.#cancel();
    try {
      await this.#sendAll();
      const wait = await store.update((state) => {
        this.#unloadQueue.dropAnswered(state, now());
        return waitOf(state, now());
      });
      if (wait !== undefined) this.#flushIn(wait);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Sends without waiting. Items stay stored and are sent again later, because no page is left to read the
   * answer.
   */
  flushOnUnload(): void {
    for (const work of this.#unloadQueue.requests(this.#env.now())) {
      this.#perform(work, true).catch((error) => this.#fail(error));
    }
  }

  async online(): Promise<void> {
    await this.#env.store.update((state) => {
      if (state.isOffline) state.notBefore = 0;
    });
    await this.flush();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #sendAll(): Promise<void> {
    const { inTurn, store } = this.#env;
    return inTurn(async () => {
      for (;;) {
        const { work, problems } = await store.update((state) => takeWork(state, this.#env));
        for (const problem of problems) this.#onError(problem);
        if (work === undefined) return;
        await this.#perform(work);
      }
    });
  }

  async #perform(work: Work, isClosing = false): Promise<void> {
    const answer = await callServer(this.#env, this.#server, work.call, isClosing);
    const problems = await this.#env.store.update((state) => settle(state, work, answer, this.#env));
    for (const problem of problems) this.#onError(problem);
  }

  #flushIn(ms: number): void {
    const at = this.#env.now() + ms;
    if (this.#isStopped || at >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = at;
    this.#cancelTimer = this.#env.after(ms, () => void this.flush());
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #fail(error: unknown): void {
    this.#onError({ kind: 'internal', error });
  }
}

function takeWork(state: State, env: Environment): { work: Work | undefined; problems: SignalboxProblem[] } {
  const now = env.now();
  decideHeld(state, now);
  const problems = [...mend(state), ...toldOfDropped(state)];
  const work = remainingWait(state.notBefore, now) > 0 ? undefined : nextWork(state, env);
  return { work, problems };
}

function mend(state: State): SignalboxProblem[] {
  const fault = state.device === null ? undefined : mendDevice(state.device);
  const refused = takeUnsendable(state).map((one) => ({ kind: 'refused', ...one }) as const);
  return fault === undefined ? refused : [{ kind: 'device', fault }, ...refused];
}

function toldOfDropped(state: State): SignalboxProblem[] {
  const { dropped: count } = state;
  state.dropped = 0;
  return count > 0 ? [{ kind: 'dropped', count }] : [];
}

function isRepetition(state: State, { kind, body }: Item): boolean {
  if (kind !== 'receipt' || body.kind !== 'open') return false;
  return isRepeatedTap(state, { messageId: body.messageId, at: Date.parse(body.at) });
}

/** Time until there is work; undefined when only a new item or change brings any. */
function waitOf(state: State, now: number): number | undefined {
  const isHolding = state.held.length > 0;
  const wait = remainingWait(state.notBefore, now);
  if (wait > 0) return wait;
  return isHolding ? CLEAR_ALL_MS + 1 : undefined;
}
