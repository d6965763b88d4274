import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Exchange, Fate } from './h2-exchange.ts';
import type { Endpoint } from './push-service.ts';

const { NGHTTP2_REFUSED_STREAM, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
const EMPTY = Buffer.alloc(0);
const MEMORY_MB = 64;

/** What a session tells its pool. */
export interface SessionEvents {
  /** The exchange has its answer. */
  answered(exchange: Exchange): void;
  /** Its stream closed without one. */
  failed(exchange: Exchange, fate: Fate): void;
  /** A stream may have become free. */
  capacity(): void;
  /** The session takes no more requests: going away, failed or closed. Told once. */
  retired(session: H2Session): void;
  /** The connection has ended. Told once. */
  ended(session: H2Session): void;
}

/** One HTTP/2 connection: counts its streams, obeys the peer's limits, and says what became of each request. */
export class H2Session {
  readonly openedAt: number;
  /** Streams open now. */
  open = 0;
  connected = false;
  retired = false;
  /** An answer has come through it. */
  proven = false;
  /** When a PING went out that has no answer yet. */
  pingSentAt: number | undefined = undefined;
  lastPingAt: number;
  readonly #session: ClientHttp2Session;
  readonly #authority: string;
  readonly #scheme: string;
  readonly #events: SessionEvents;
  readonly #maxStreams: number;
  #socket: Socket | undefined;
  #peerLimit = 1;
  #goawayCode = NGHTTP2_NO_ERROR;
  #lastStreamId = Number.POSITIVE_INFINITY;

  constructor(endpoint: Endpoint, maxStreams: number, now: number, events: SessionEvents) {
    this.openedAt = now;
    this.lastPingAt = now;
    this.#events = events;
    this.#maxStreams = maxStreams;
    this.#authority = endpoint.url.host;
    this.#scheme = endpoint.url.protocol.slice(0, -1);
    this.#session = connect(endpoint.url, {
      ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
      settings: { enablePush: false },
      maxSessionMemory: MEMORY_MB,
    });
    this.#listen();
  }

  get free(): number {
    if (!this.connected || this.retired) return 0;
    return Math.min(this.#peerLimit, this.#maxStreams) - this.open;
  }

  start(exchange: Exchange): void {
    const { path, headers, body } = exchange.request;
    const stream = this.#session.request([
      ':method',
      'POST',
      ':path',
      path,
      ':scheme',
      this.#scheme,
      ':authority',
      this.#authority,
      ...headers,
    ]);
    this.open++;
    exchange.stream = stream;
    stream.on('error', ignore);
    stream.on('response', (answer) => this.#onResponse(exchange, stream, answer));
    stream.on('close', () => this.#onClose(exchange, stream));
    stream.end(body);
  }

  ping(now: number): void {
    if (this.#session.destroyed) {
      this.destroy();
      return;
    }
    this.lastPingAt = now;
    this.pingSentAt = now;
    this.#session.ping((error) => {
      if (error === null) this.pingSentAt = undefined;
    });
  }

  destroy(): void {
    this.#retire();
    this.#session.destroy();
    // After a GOAWAY node waits for the peer to close its end too, forever, and the process does not end.
    this.#socket?.destroy();
  }

  #listen(): void {
    this.#session.on('error', ignore);
    this.#session.once('connect', (_session, socket) => {
      this.#socket = socket;
      this.connected = true;
      this.#events.capacity();
    });
    this.#session.on('remoteSettings', (settings) => {
      this.#peerLimit = settings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
      this.#events.capacity();
    });
    this.#session.on('goaway', (code, lastStreamId) => {
      this.#goawayCode = code;
      this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
      this.#retire();
    });
    this.#session.once('close', () => {
      this.#retire();
      this.#events.ended(this);
    });
  }

  #retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.#events.retired(this);
  }

  #onResponse(exchange: Exchange, stream: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
    this.proven = true;
    const status = Number(headers[':status']);
    if (status === 200) {
      stream.resume();
      exchange.settle({ kind: 'answer', status, headers, body: EMPTY });
      this.#events.answered(exchange);
      return;
    }
    exchange.refusedWith = status;
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.rstCode !== NGHTTP2_NO_ERROR) return;
      exchange.settle({ kind: 'answer', status, headers, body: Buffer.concat(chunks) });
      this.#events.answered(exchange);
    });
  }

  #onClose(exchange: Exchange, stream: ClientHttp2Stream): void {
    this.open--;
    if (!exchange.settled) this.#events.failed(exchange, this.#fateOf(exchange, stream));
    this.#events.capacity();
  }

  #fateOf(exchange: Exchange, stream: ClientHttp2Stream): Fate {
    if (exchange.refusedWith !== undefined) return { kind: 'unprocessed', reason: 'AnswerCut' };
    const neverSent = stream.id === undefined;
    if (neverSent || stream.id > this.#lastStreamId) return { kind: 'unprocessed', reason: 'GoingAway' };
    // After a GOAWAY with an error node gives every stream that error as its reset code, so only the id tells.
    const ownReset = this.#goawayCode === NGHTTP2_NO_ERROR;
    if (ownReset && stream.rstCode === NGHTTP2_REFUSED_STREAM) {
      return { kind: 'unprocessed', reason: 'StreamRefused' };
    }
    const reason = this.#session.destroyed || this.#session.closed ? 'ConnectionLost' : 'StreamReset';
    return { kind: 'lost', reason };
  }
}

/** Gives up on a request that was written. */
export function abandon(exchange: Exchange): void {
  exchange.stream?.close(NGHTTP2_CANCEL);
}

function ignore(): void {}
