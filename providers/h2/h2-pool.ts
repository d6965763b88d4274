import { checkPath } from '../connection/request-head.ts';
import type { Endpoint, Gate } from '../push-service.ts';
import { Fifo } from './fifo.ts';
import {
  type Answer,
  Exchange,
  type Failure,
  type H2Request,
  type UnprocessedReason,
} from './h2-exchange.ts';
import { DEFAULTS, type H2PoolOptions } from './h2-pool-options.ts';
import { H2Session, type SessionEvents } from './h2-session.ts';
import { isOfCertificate, troubleOf } from './trouble.ts';

/** Connection failures in a row after which requests are given back instead of waiting for the next try. */
const UNREACHABLE_AFTER = 3;
const BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** Times a request that was certainly not processed is written before it is given back. */
const MAX_ATTEMPTS = 6;
const RETRY_AFTER_MS = 1_000;

export interface H2PoolStats {
  readonly sessions: number;
  readonly inFlight: number;
  readonly queued: number;
}

/**
 * Sends requests to one endpoint over a few HTTP/2 connections. A request without an answer is either
 * certainly not processed or unknown.
 */
export class H2Pool {
  readonly #endpoint: Endpoint;
  readonly #options: typeof DEFAULTS;
  readonly #sessions = new Set<H2Session>();
  readonly #queue = new Fifo<Exchange>();
  #inFlight = 0;
  readonly #events: SessionEvents;
  readonly #timer: NodeJS.Timeout;
  #isDispatchDue = false;
  #failures = 0;
  #connectNotBefore = 0;
  #trouble: string | undefined;
  #sweptAt = performance.now();
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(endpoint: Endpoint, options: H2PoolOptions = {}) {
    this.#endpoint = endpoint;
    this.#options = { ...DEFAULTS, ...options };
    this.#events = {
      answered: () => this.#onAnswered(),
      failed: (exchange, failure) => this.#onFailed(exchange, failure),
      capacity: () => this.#scheduleDispatch(),
      retired: (session) => this.#onRetired(session),
      ended: (session) => this.#sessions.delete(session),
    };
    this.#timer = setInterval(() => this.#sweep(), this.#options.sweepMs);
  }

  get stats(): H2PoolStats {
    return { sessions: this.#sessions.size, inFlight: this.#inFlight, queued: this.#queue.length };
  }

  /** Why the endpoint cannot be reached, until it answers. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  request(request: H2Request, gate: Gate): Promise<Answer> {
    checkPath(request.path);
    return new Promise((resolve) => {
      const now = performance.now();
      const exchange = new Exchange(request, gate, now, resolve);
      if (this.#closed) return giveBack(exchange, 'Closing', 0);
      if (this.#unreachable() && now < this.#connectNotBefore)
        return this.#giveBackUnreachable(exchange, now);
      this.#queue.push(exchange);
      this.#scheduleDispatch();
    });
  }

  /**
   * Asks the gate of every request that waits for a stream, so that a stopped request does not wait any
   * longer.
   */
  recheck(): void {
    for (let left = this.#queue.length; left > 0; left--) {
      const exchange = this.#queue.shift();
      if (exchange === undefined) return;
      if (exchange.gate.mayStart()) this.#queue.push(exchange);
      else exchange.settle({ kind: 'not_started' });
    }
  }

  /** Lets written requests end, gives back the others, and closes the connections. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) giveBack(next, 'Closing', 0);
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    clearInterval(this.#timer);
    for (const session of this.#sessions) session.destroy();
  }

  /** Runs once per turn of the event loop, so that all requests that start in a turn are written at once. */
  #scheduleDispatch(): void {
    if (this.#isDispatchDue || this.#queue.length === 0) return;
    this.#isDispatchDue = true;
    setImmediate(() => {
      this.#isDispatchDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const now = performance.now();
    while (this.#queue.length > 0) {
      const session = this.#leastLoaded();
      if (session === undefined) {
        this.#openAnother(now);
        break;
      }
      const exchange = this.#queue.shift();
      if (exchange === undefined) break;
      if (exchange.gate.mayStart()) this.#start(exchange, session, now);
      else exchange.settle({ kind: 'not_started' });
    }
    for (const session of this.#sessions) session.flush();
  }

  #start(exchange: Exchange, session: H2Session, now: number): void {
    exchange.startedAt = now;
    exchange.attempts++;
    exchange.gate.started();
    this.#inFlight++;
    session.start(exchange);
  }

  #leastLoaded(): H2Session | undefined {
    let best: H2Session | undefined;
    let most = 0;
    for (const session of this.#sessions) {
      const free = session.free;
      if (free > most) {
        best = session;
        most = free;
      }
    }
    return best;
  }

  /** Opens one connection at a time, and only after the open ones have answered something. */
  #openAnother(now: number): void {
    if (this.#closed || now < this.#connectNotBefore) return;
    let usable = 0;
    for (const session of this.#sessions) {
      if (session.retired) continue;
      if (!session.proven) return;
      usable++;
    }
    if (usable >= this.#options.maxSessions) return;
    this.#sessions.add(new H2Session(this.#endpoint, this.#options, now, this.#events));
  }

  #onAnswered(): void {
    this.#failures = 0;
    this.#trouble = undefined;
    this.#leave();
  }

  #onFailed(exchange: Exchange, failure: Failure): void {
    this.#leave();
    if (failure.kind === 'unknown') exchange.settle(failure);
    else if (this.#closed) giveBack(exchange, 'Closing', 0);
    else if (failure.reason === 'AnswerCut' || exchange.attempts >= MAX_ATTEMPTS) {
      giveBack(exchange, failure.reason, RETRY_AFTER_MS);
    } else {
      exchange.gate.putBack();
      this.#queue.unshift(exchange);
      this.#scheduleDispatch();
    }
  }

  #leave(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  /** A connection that never answered anything counts as a failure to connect. */
  #onRetired(session: H2Session): void {
    if (this.#closed) return;
    const now = performance.now();
    if (!session.proven) {
      const backoff = Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** this.#failures++);
      this.#connectNotBefore = now + backoff * (0.75 + Math.random() / 2);
      this.#learn(session.fault);
    }
    if (this.#unreachable()) {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        this.#giveBackUnreachable(next, now);
      }
    }
    this.#scheduleDispatch();
  }

  #unreachable(): boolean {
    return this.#failures >= UNREACHABLE_AFTER && !this.#isConnected;
  }

  get #isConnected(): boolean {
    for (const session of this.#sessions) if (!session.retired && session.proven) return true;
    return false;
  }

  /** A certificate that is not trusted is told at once, because the next try does not mend it. */
  #learn(fault: Error | undefined): void {
    if (this.#unreachable() || (isOfCertificate(fault) && !this.#isConnected))
      this.#trouble = troubleOf(this.#endpoint, fault);
  }

  #giveBackUnreachable(exchange: Exchange, now: number): void {
    giveBack(exchange, 'Unreachable', Math.ceil(Math.max(RETRY_AFTER_MS, this.#connectNotBefore - now)));
  }

  #sweep(): void {
    const now = performance.now();
    const stalled = now - this.#sweptAt > 2 * this.#options.sweepMs;
    this.#sweptAt = now;
    // After a stall of this process answers may wait in the sockets, so they are read first.
    if (stalled) return;
    this.#expire(now);
    for (const session of this.#sessions) this.#examine(session, now);
    this.#dispatch();
  }

  #expire(now: number): void {
    for (const session of this.#sessions) session.expire(now - this.#options.deadlineMs);
    for (let head = this.#queue.peek(); head; head = this.#queue.peek()) {
      if (now - head.queuedAt < this.#options.queueMs) break;
      this.#queue.shift();
      giveBack(head, 'QueueTimeout', RETRY_AFTER_MS);
    }
  }

  #examine(session: H2Session, now: number): void {
    const { connectMs, pingBusyMs, pingIdleMs, pingTimeoutMs } = this.#options;
    if (!session.connected) {
      if (now - session.openedAt > connectMs) session.destroy();
    } else if (session.closingAt !== undefined) {
      if (now - session.closingAt > pingTimeoutMs) session.destroy();
    } else if (session.pingSentAt !== undefined) {
      if (now - session.pingSentAt > pingTimeoutMs) session.destroy();
    } else if (now - session.lastPingAt > (session.open > 0 ? pingBusyMs : pingIdleMs)) {
      session.ping(now);
    }
  }
}

function giveBack(exchange: Exchange, reason: UnprocessedReason, afterMs: number): void {
  exchange.settle({ kind: 'unprocessed', reason, afterMs });
}
