import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import {
  BATCH_BYTES,
  type Connection,
  type ConnectionEvents,
  STALL_MS,
} from '../connection/h2-connection.ts';
import { NO_HTTP2, openSocket } from '../connection/open-socket.ts';
import type { RequestHead } from '../connection/request-head.ts';
import type { Endpoint } from '../push-service.ts';
import { type Headers, responseHead } from './response-head.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;
const OPTIONS = {
  settings: { enablePush: false, initialWindowSize: 256 * 1024, maxHeaderListSize: 32 * 1024 },
  maxReservedRemoteStreams: 0,
  /** Megabytes: the answers of all streams may fill the window of the connection. */
  maxSessionMemory: 64,
};
const WINDOW = 16 * 1024 * 1024;
/** How long the peer has to read the GOAWAY that explains a fault. */
const GOAWAY_READ_MS = 3_000;
const PING = Buffer.from('signalbx', 'latin1');
const NO_DATA = Buffer.alloc(0);

interface Collected {
  readonly head: RequestHead;
  readonly path: string;
  readonly body: string;
}

export function openNodeConnection(endpoint: Endpoint, events: ConnectionEvents): Connection {
  return new NodeConnection(endpoint, events);
}

/**
 * The contract of a connection on `node:http2`. Requests are collected here and handed to Node by `flush`.
 * Handed-over requests count as written in that turn of the event loop, although Node itself writes them a
 * moment later.
 */
class NodeConnection implements Connection {
  readonly #authority: string;
  readonly #events: ConnectionEvents;
  readonly #socket: TLSSocket;
  readonly #session: ClientHttp2Session;
  readonly #streams = new Map<number, ClientHttp2Stream>();
  #collected: Collected[] = [];
  #collectedAt = 0;
  #collectedBytes = 0;
  /** The peer's window of the connection, in bytes, until something happens that may change it. */
  #window: number | undefined = undefined;
  /** Requests whose bodies are not written whole. */
  #unfinished = 0;
  #nextStreamId = 1;
  #writtenStreamId = 0;
  #isClosed = false;
  hasSettings = false;
  peerStreams = 0;

  constructor(endpoint: Endpoint, events: ConnectionEvents) {
    this.#authority = endpoint.url.host;
    this.#events = events;
    this.#socket = openSocket(endpoint);
    this.#session = connect(endpoint.url, { ...OPTIONS, createConnection: () => this.#socket });
    this.#listen();
  }

  get isReady(): boolean {
    if (this.#isClosed || this.#session.closed || this.#session.destroyed) return false;
    this.#window ??= this.#session.state.remoteWindowSize ?? 0;
    return this.#unfinished === 0 && this.#collectedBytes < this.#window;
  }

  get writtenStreamId(): number {
    return this.#writtenStreamId;
  }

  request(head: RequestHead, path: string, body: string): number {
    if (this.#collected.length === 0) this.#collectedAt = performance.now();
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#collected.push({ head, path, body });
    const bytes = Buffer.byteLength(body);
    this.#collectedBytes += bytes;
    const waits = bytes > (this.#session.remoteSettings.initialWindowSize ?? 0);
    if (waits || this.#collectedBytes > BATCH_BYTES) this.flush();
    return streamId;
  }

  reset(streamId: number, code: number): void {
    this.#streams.get(streamId)?.close(code);
    this.forget(streamId);
  }

  finish(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined && !stream.closed && stream.state.localClose !== 1) stream.close(NGHTTP2_CANCEL);
    this.forget(streamId);
  }

  forget(streamId: number): void {
    this.#streams.delete(streamId);
  }

  ping(): void {
    if (this.#session.destroyed) return;
    this.#session.ping(PING, (error) => {
      if (error === null && !this.#isClosed) this.#tell(() => this.#events.pong());
    });
  }

  flush(): void {
    if (this.#collected.length === 0 || this.#isClosed) return;
    const isStalled = performance.now() - this.#collectedAt > STALL_MS;
    if (isStalled || this.#session.closed || this.#session.destroyed) {
      this.destroy();
      return;
    }
    const batch = this.#collected;
    this.#collected = [];
    this.#collectedBytes = 0;
    for (const request of batch) this.#write(request);
  }

  close(): void {
    if (!this.#isClosed && !this.#session.destroyed) this.#session.close();
  }

  destroy(): void {
    this.#fail();
  }

  #fail(fault?: Error): void {
    this.#end(fault);
    this.#session.destroy();
    // Node may still be reading from the socket further up the stack.
    setImmediate(() => this.#socket.destroy());
  }

  #listen(): void {
    const session = this.#session;
    this.#socket.once('secureConnect', () => {
      if (this.#socket.alpnProtocol !== 'h2') this.#fail(NO_HTTP2);
    });
    // A session may be destroyed between its socket's connection and this event.
    session.once('connect', () => {
      if (!session.destroyed) session.setLocalWindowSize(WINDOW);
    });
    session.on('remoteSettings', ({ maxConcurrentStreams = Number.POSITIVE_INFINITY }) => {
      this.hasSettings = true;
      this.peerStreams = maxConcurrentStreams;
      this.#tell(() => {});
    });
    session.on('goaway', (code, lastStreamId) => this.#tell(() => this.#events.goaway(lastStreamId, code)));
    session.on('error', (error) => {
      this.#end(error);
      setTimeout(() => this.#socket.destroy(), GOAWAY_READ_MS).unref();
    });
    session.once('close', () => this.#end());
  }

  #write({ head, path, body }: Collected): void {
    this.#writtenStreamId += this.#writtenStreamId === 0 ? 1 : 2;
    const pseudo = [':method', 'POST', ':scheme', 'https', ':authority', this.#authority, ':path', path];
    const stream = this.#session.request([...pseudo, ...head.headers], { endStream: false });
    this.#streams.set(this.#writtenStreamId, stream);
    this.#follow(this.#writtenStreamId, stream);
    stream.end(body);
  }

  #follow(streamId: number, stream: ClientHttp2Stream): void {
    const tell = (event: () => void) => {
      if (this.#streams.get(streamId) === stream) this.#tell(event);
    };
    const onHead = (headers: Headers, flags: number) => {
      const isEnd = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
      tell(() => this.#events.headers(streamId, responseHead(headers), isEnd));
    };
    const onData = (chunk: Buffer) => tell(() => this.#events.data(streamId, chunk, 0, chunk.length, false));
    stream.on('headers', onHead);
    stream.once('response', (headers, flags) => {
      onHead(headers, flags);
      // With an earlier listener data would overtake the head. The end of the stream stands for trailers,
      // which would overtake data.
      stream.on('data', onData);
    });
    stream.once('end', () => tell(() => this.#events.data(streamId, NO_DATA, 0, 0, true)));
    stream.on('error', () => {});
    stream.once('close', () => {
      // Streams of a destroyed session end with `closed`.
      if (this.#session.destroyed) return;
      tell(() => this.#events.reset(streamId, stream.rstCode ?? NGHTTP2_NO_ERROR));
    });
    this.#countUnfinished(stream);
  }

  #countUnfinished(stream: ClientHttp2Stream): void {
    let isUnfinished = true;
    this.#unfinished++;
    const onDone = () => {
      if (!isUnfinished) return;
      isUnfinished = false;
      this.#unfinished--;
      this.#tell(() => {});
    };
    stream.once('finish', onDone);
    stream.once('close', onDone);
  }

  #tell(event: () => void): void {
    if (this.#isClosed) return;
    this.#window = undefined;
    event();
    if (this.#isClosed) return;
    this.#events.progress();
  }

  #end(fault?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(fault);
  }
}
