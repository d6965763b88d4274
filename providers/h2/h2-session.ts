import { Connection } from '../http2/connection.ts';
import type { HeaderReader } from '../http2/header-reader.ts';
import { CODE } from '../http2/protocol.ts';
import type { Endpoint } from '../push-service.ts';
import type { Exchange, Fate } from './h2-exchange.ts';

/** Streams at once until a first answer shows that the connection works: a dead one shall not take many requests along. */
const UNPROVEN_STREAMS = 10;
/** No answer of a push service is as long. */
const MAX_BODY_BYTES = 64 * 1024;

const GOING_AWAY: Fate = { kind: 'unprocessed', reason: 'GoingAway' };
const STREAM_REFUSED: Fate = { kind: 'unprocessed', reason: 'StreamRefused' };
const ANSWER_CUT: Fate = { kind: 'unprocessed', reason: 'AnswerCut' };
const STREAM_RESET: Fate = { kind: 'lost', reason: 'StreamReset' };
const CONNECTION_LOST: Fate = { kind: 'lost', reason: 'ConnectionLost' };
const TIMEOUT: Fate = { kind: 'lost', reason: 'Timeout' };

/** What a session tells its pool. */
export interface SessionEvents {
  /** The exchange has its answer. */
  answered(): void;
  /** Its stream closed without one. */
  failed(exchange: Exchange, fate: Fate): void;
  /** A stream may have become free. */
  capacity(): void;
  /** The session takes no more requests: going away, failed or closed. Told once. */
  retired(session: H2Session): void;
  /** The connection has ended. Told once. */
  ended(session: H2Session): void;
}

export interface SessionLimits {
  readonly maxStreams: number;
  readonly maxRequests: number;
}

/** One HTTP/2 connection: counts its streams, obeys the peer's limits, and says what became of each request. */
export class H2Session {
  readonly openedAt: number;
  retired = false;
  /** An answer has come through it. */
  proven = false;
  /** When a PING went out that has no answer yet. */
  pingSentAt: number | undefined = undefined;
  lastPingAt: number;
  /** When it was told to close, which it may not have done yet. */
  closingAt: number | undefined = undefined;
  readonly #connection: Connection;
  readonly #events: SessionEvents;
  readonly #limits: SessionLimits;
  /** By the ID of their stream, and so in the order of their start. */
  readonly #streams = new Map<number, Exchange>();
  #requests = 0;
  #lastStreamId = Number.POSITIVE_INFINITY;

  constructor(endpoint: Endpoint, limits: SessionLimits, now: number, events: SessionEvents) {
    this.openedAt = now;
    this.lastPingAt = now;
    this.#limits = limits;
    this.#events = events;
    this.#connection = new Connection(endpoint.url, endpoint.ca, {
      headers: (id, head, isEnd) => this.#onHeaders(id, head, isEnd),
      data: (id, buffer, start, end, isEnd) => this.#onData(id, buffer, start, end, isEnd),
      reset: (id, code) => this.#onReset(id, code),
      goaway: (lastStreamId, code) => this.#onGoaway(lastStreamId, code),
      pong: () => {
        this.pingSentAt = undefined;
      },
      progress: () => this.#onProgress(),
      closed: () => this.#onClosed(),
    });
  }

  /** The peer's settings have come. */
  get connected(): boolean {
    return this.#connection.isGreeted;
  }

  /** Streams open now. */
  get open(): number {
    return this.#streams.size;
  }

  get free(): number {
    if (this.retired || !this.#connection.isReady) return 0;
    const ours = this.proven ? this.#limits.maxStreams : UNPROVEN_STREAMS;
    return Math.min(this.#connection.peerStreams, ours, this.#limits.maxStreams) - this.#streams.size;
  }

  /** Starts a request, which is written by the next flush. */
  start(exchange: Exchange): void {
    const { head, path, body } = exchange.request;
    this.#streams.set(this.#connection.request(head, path, body), exchange);
    if (++this.#requests >= this.#limits.maxRequests) this.#retire();
  }

  flush(): void {
    this.#connection.flush();
  }

  /** Gives up on what was written before. A peer that let one request time out gets no more on this connection. */
  expire(startedBefore: number): void {
    for (const [id, exchange] of this.#streams) {
      if (exchange.startedAt > startedBefore) break;
      this.#connection.reset(id, CODE.cancel);
      this.#streams.delete(id);
      if (!exchange.settled) this.#retire();
      this.#fail(exchange, TIMEOUT);
    }
    this.#connection.flush();
    this.#closeIfDone();
  }

  ping(now: number): void {
    this.lastPingAt = now;
    this.pingSentAt = now;
    this.#connection.ping();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #onHeaders(id: number, head: HeaderReader, isEnd: boolean): void {
    const exchange = this.#streams.get(id);
    if (exchange === undefined) return;
    if (head.malformed) this.#refuse(id, exchange);
    else if (exchange.status === 0) this.#onHead(id, exchange, head, isEnd);
    else if (head.status !== 0 || !isEnd) this.#refuse(id, exchange);
    else this.#end(id, exchange);
  }

  #onHead(id: number, exchange: Exchange, head: HeaderReader, isEnd: boolean): void {
    const { status } = head;
    const isInformational = status >= 100 && status < 200;
    if (isInformational && !isEnd) return;
    if (isInformational || status === 0) {
      this.#refuse(id, exchange);
      return;
    }
    this.proven = true;
    exchange.begin(status, head.retryAfter, head.contentLength);
    // Whatever comes after a 200 does not undo it.
    if (status === 200) this.#answer(exchange);
    if (isEnd) this.#end(id, exchange);
  }

  #onData(id: number, buffer: Buffer, start: number, end: number, isEnd: boolean): void {
    const exchange = this.#streams.get(id);
    if (exchange === undefined) return;
    if (exchange.status === 0) this.#refuse(id, exchange);
    else if (exchange.add(buffer, start, end) > MAX_BODY_BYTES) this.#refuse(id, exchange);
    else if (isEnd) this.#end(id, exchange);
  }

  #end(id: number, exchange: Exchange): void {
    this.#streams.delete(id);
    this.#connection.finish(id);
    if (exchange.settled) return;
    if (exchange.isWhole) this.#answer(exchange);
    else this.#fail(exchange, ANSWER_CUT);
  }

  #answer(exchange: Exchange): void {
    exchange.answer();
    this.#events.answered();
  }

  /** The answer is not one that HTTP allows, or that we read. */
  #refuse(id: number, exchange: Exchange): void {
    this.#connection.reset(id, CODE.protocolError);
    this.#streams.delete(id);
    this.#fail(exchange, STREAM_RESET);
  }

  #onReset(id: number, code: number): void {
    const exchange = this.#streams.get(id);
    if (exchange === undefined) return;
    this.#streams.delete(id);
    this.#connection.forget(id);
    this.#fail(exchange, code === CODE.refusedStream ? STREAM_REFUSED : STREAM_RESET);
  }

  /** What the peer surely did not handle starts again elsewhere. After an error it answers nothing else either. */
  #onGoaway(lastStreamId: number, code: number): void {
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
    this.#retire();
    if (code === CODE.noError) this.#failAll(this.#lastStreamId);
    else this.#connection.destroy();
  }

  #onProgress(): void {
    if (this.retired) this.#closeIfDone();
    else this.#events.capacity();
  }

  #onClosed(): void {
    this.#retire();
    this.#failAll(0);
    this.#events.ended(this);
  }

  /** The last one first, because each is put to the front of the pool's queue. */
  #failAll(above: number): void {
    const processed = Math.min(this.#lastStreamId, this.#connection.writtenStreamId);
    for (const [id, exchange] of [...this.#streams].reverse()) {
      if (id <= above) break;
      this.#streams.delete(id);
      this.#fail(exchange, id > processed ? GOING_AWAY : CONNECTION_LOST);
    }
  }

  #fail(exchange: Exchange, fate: Fate): void {
    if (exchange.settled) return;
    this.#events.failed(exchange, exchange.status === 0 ? fate : ANSWER_CUT);
  }

  #closeIfDone(): void {
    if (!this.retired || this.#streams.size > 0 || this.closingAt !== undefined) return;
    this.closingAt = performance.now();
    this.#connection.close();
  }

  #retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.#events.retired(this);
  }
}
