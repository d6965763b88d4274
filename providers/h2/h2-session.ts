import { constants } from 'node:http2';
import type { Connection, Http2Client, ResponseHead } from '../connection/h2-connection.ts';
import type { Endpoint } from '../push-service.ts';
import type { Exchange, Failure } from './h2-exchange.ts';
import { OPEN_CONNECTION } from './open-connection.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/**
 * Limits streams until the first answer, so that a connection that never answers leaves few unknown results.
 */
const UNPROVEN_STREAMS = 10;
/** Answers of push services are far shorter. */
const MAX_BODY_BYTES = 64 * 1024;

const GOING_AWAY: Failure = { kind: 'unprocessed', reason: 'GoingAway' };
const STREAM_REFUSED: Failure = { kind: 'unprocessed', reason: 'StreamRefused' };
const ANSWER_CUT: Failure = { kind: 'unprocessed', reason: 'AnswerCut' };
const STREAM_RESET: Failure = { kind: 'unknown', reason: 'StreamReset' };
const CONNECTION_LOST: Failure = { kind: 'unknown', reason: 'ConnectionLost' };
const TIMEOUT: Failure = { kind: 'unknown', reason: 'Timeout' };

/** Events of a session for its pool. */
export interface SessionEvents {
  /** The exchange has its answer. */
  answered(): void;
  /** The exchange's stream closed without a complete answer. */
  failed(exchange: Exchange, failure: Failure): void;
  /** A stream may have become free. */
  capacity(): void;
  /** The session takes no more requests: going away, failed or closed. Emitted once. */
  retired(session: H2Session): void;
  /** The connection has ended. Emitted once. */
  ended(session: H2Session): void;
}

export interface SessionOptions {
  readonly client: Http2Client;
  readonly maxStreams: number;
  readonly maxRequests: number;
}

/**
 * One HTTP/2 connection: counts its streams, obeys the peer's limits, and settles the exchange of each
 * stream.
 */
export class H2Session {
  readonly openedAt: number;
  retired = false;
  /** An answer has arrived on this connection. */
  proven = false;
  /** Time of the PING that has no answer yet. */
  pingSentAt: number | undefined = undefined;
  lastPingAt: number;
  /** Time at which closing began; the peer may delay its end. */
  closingAt: number | undefined = undefined;
  /** The error that ended the connection, if any. */
  fault: Error | undefined = undefined;
  readonly #connection: Connection;
  readonly #events: SessionEvents;
  readonly #options: SessionOptions;
  /** Open exchanges by stream ID, and so in the order of their start. */
  readonly #streams = new Map<number, Exchange>();
  #requests = 0;
  #lastStreamId = Number.POSITIVE_INFINITY;

  constructor(endpoint: Endpoint, options: SessionOptions, now: number, events: SessionEvents) {
    this.openedAt = now;
    this.lastPingAt = now;
    this.#options = options;
    this.#events = events;
    this.#connection = OPEN_CONNECTION[options.client](endpoint, {
      headers: (id, head, isEnd) => this.#onHeaders(id, head, isEnd),
      data: (id, buffer, start, end, isEnd) => this.#onData(id, buffer, start, end, isEnd),
      reset: (id, code) => this.#onReset(id, code),
      goaway: (lastStreamId, code) => this.#onGoaway(lastStreamId, code),
      pong: () => {
        this.pingSentAt = undefined;
      },
      progress: () => this.#onProgress(),
      closed: (fault) => this.#onClosed(fault),
    });
  }

  /** The peer's settings have arrived. */
  get connected(): boolean {
    return this.#connection.hasSettings;
  }

  /** Streams open now. */
  get open(): number {
    return this.#streams.size;
  }

  get free(): number {
    if (this.retired || !this.#connection.isReady) return 0;
    const ours = this.proven ? this.#options.maxStreams : UNPROVEN_STREAMS;
    return Math.min(this.#connection.peerStreams, ours, this.#options.maxStreams) - this.#streams.size;
  }

  /** Starts a request, which is written by the next flush. */
  start(exchange: Exchange): void {
    const { head, path, body } = exchange.request;
    this.#streams.set(this.#connection.request(head, path, body), exchange);
    if (++this.#requests >= this.#options.maxRequests) this.#retire();
  }

  flush(): void {
    this.#connection.flush();
  }

  /**
   * Times out requests that started by `startedBefore`. After the first timeout the connection gets no more
   * requests.
   */
  expire(startedBefore: number): void {
    for (const [id, exchange] of this.#streams) {
      if (exchange.startedAt > startedBefore) break;
      this.#connection.reset(id, NGHTTP2_CANCEL);
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

  #onHeaders(id: number, head: ResponseHead, isEnd: boolean): void {
    const exchange = this.#streams.get(id);
    if (exchange === undefined) return;
    if (head.malformed) this.#refuse(id, exchange);
    else if (exchange.status === 0) this.#onHead(id, exchange, head, isEnd);
    else if (head.status !== 0 || !isEnd) this.#refuse(id, exchange);
    else this.#end(id, exchange);
  }

  #onHead(id: number, exchange: Exchange, head: ResponseHead, isEnd: boolean): void {
    const { status } = head;
    const isInformational = status >= 100 && status < 200;
    if (isInformational && !isEnd) return;
    if (isInformational || status === 0) {
      this.#refuse(id, exchange);
      return;
    }
    this.proven = true;
    exchange.begin(status, head.retryAfter, head.contentLength);
    // A 200 stands, even if its stream is reset afterwards.
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

  /** Resets a stream whose answer breaks HTTP or is too long. */
  #refuse(id: number, exchange: Exchange): void {
    this.#connection.reset(id, NGHTTP2_PROTOCOL_ERROR);
    this.#streams.delete(id);
    this.#fail(exchange, STREAM_RESET);
  }

  #onReset(id: number, code: number): void {
    const exchange = this.#streams.get(id);
    if (exchange === undefined) return;
    this.#streams.delete(id);
    this.#connection.forget(id);
    this.#fail(exchange, code === NGHTTP2_REFUSED_STREAM ? STREAM_REFUSED : STREAM_RESET);
  }

  /**
   * Requests that the peer certainly did not process start again on another connection. After an error code
   * the peer does not answer the other requests either.
   */
  #onGoaway(lastStreamId: number, code: number): void {
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
    this.#retire();
    if (code === NGHTTP2_NO_ERROR) this.#failAll(this.#lastStreamId);
    else this.#connection.destroy();
  }

  #onProgress(): void {
    if (this.retired) this.#closeIfDone();
    else this.#events.capacity();
  }

  #onClosed(fault: Error | undefined): void {
    this.fault = fault;
    this.#retire();
    this.#failAll(0);
    this.#events.ended(this);
  }

  /** The order is reversed, because each exchange is put to the front of the pool's queue. */
  #failAll(above: number): void {
    const processed = Math.min(this.#lastStreamId, this.#connection.writtenStreamId);
    for (const [id, exchange] of [...this.#streams].reverse()) {
      if (id <= above) break;
      this.#streams.delete(id);
      this.#fail(exchange, id > processed ? GOING_AWAY : CONNECTION_LOST);
    }
  }

  #fail(exchange: Exchange, failure: Failure): void {
    if (exchange.settled) return;
    this.#events.failed(exchange, exchange.status === 0 ? failure : ANSWER_CUT);
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
