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
import { BodySender } from './body-sender.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HeaderWriter } from './header-writer.ts';
import { Incoming } from './incoming.ts';
import { OUR_EXTRA_WINDOW, OUR_SETTINGS } from './our-settings.ts';
import { CODE, ConnectionError, FLAG, FRAME } from './protocol.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const PING = Buffer.from('signalbx', 'latin1');
/** The most output that a peer causes and does not read, which is acknowledgements of pings and settings. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

export function openOwnConnection(endpoint: Endpoint, events: ConnectionEvents): Connection {
  return new OwnConnection(endpoint, events);
}

/**
 * Implements RFC 9113 and RFC 7541 as far as a push service needs them. No state is kept of a stream whose
 * request was written whole, because the session knows the streams.
 */
class OwnConnection implements Connection {
  readonly #events: ConnectionEvents;
  readonly #socket: TLSSocket;
  readonly #out = new FrameWriter();
  readonly #bodies = new BodySender(this.#out);
  readonly #headers: HeaderWriter;
  readonly #incoming: Incoming;
  readonly #frames: FrameReader;
  #nextStreamId = 1;
  #writtenStreamId = 0;
  #collectedAt = 0;
  #isFull = false;
  #isClosing = false;
  #isClosed = false;

  constructor(endpoint: Endpoint, events: ConnectionEvents) {
    this.#events = events;
    this.#headers = new HeaderWriter(endpoint.url.host);
    const isStarted = (streamId: number) => streamId % 2 === 1 && streamId < this.#nextStreamId;
    this.#incoming = new Incoming(this.#out, this.#bodies, this.#headers, events, isStarted);
    this.#frames = new FrameReader((type, flags, streamId, buffer, start, end) => {
      if (!this.#isClosed) this.#incoming.frame(type, flags, streamId, buffer, start, end);
    });
    this.#socket = openSocket(endpoint);
    this.#listen();
  }

  get hasSettings(): boolean {
    return this.#incoming.hasSettings;
  }

  get peerStreams(): number {
    return this.#incoming.peerStreams;
  }

  get isReady(): boolean {
    return !this.#isClosed && !this.#isClosing && !this.#isFull && this.#bodies.isReady;
  }

  get writtenStreamId(): number {
    return this.#writtenStreamId;
  }

  request(head: RequestHead, path: string, body: string): number {
    if (!this.#hasUnwritten) this.#collectedAt = performance.now();
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    const at = this.#out.begin(FRAME.headers, FLAG.endHeaders, streamId);
    this.#headers.write(this.#out, head, path);
    this.#out.endHeaders(at, streamId, this.#bodies.maxFrameSize);
    this.#bodies.send(streamId, body);
    if (this.#out.length > BATCH_BYTES) this.flush();
    return streamId;
  }

  reset(streamId: number, code: number): void {
    this.#bodies.drop(streamId);
    this.#out.number(FRAME.rstStream, streamId, code);
  }

  finish(streamId: number): void {
    if (this.#bodies.drop(streamId)) this.#out.number(FRAME.rstStream, streamId, CODE.cancel);
  }

  forget(streamId: number): void {
    this.#bodies.drop(streamId);
  }

  ping(): void {
    const at = this.#out.begin(FRAME.ping, 0, 0);
    this.#out.bytes(PING);
    this.#out.end(at);
    this.flush();
  }

  flush(): void {
    if (this.#out.length === 0 || this.#isClosed || this.#isClosing) return;
    if (this.#hasUnwritten && performance.now() - this.#collectedAt > STALL_MS) {
      this.destroy();
      return;
    }
    this.#writtenStreamId = this.#nextStreamId - 2;
    const batch = this.#out.take();
    this.#isFull = !this.#socket.write(batch, () => this.#out.giveBack(batch));
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.destroy();
  }

  close(): void {
    if (this.#isClosed || this.#isClosing) return;
    this.#goaway(CODE.noError);
    this.#isClosing = true;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#fail();
  }

  #fail(fault?: Error): void {
    this.#socket.destroy();
    this.#onClosed(fault);
  }

  get #hasUnwritten(): boolean {
    return this.#writtenStreamId < this.#nextStreamId - 2;
  }

  #listen(): void {
    const socket = this.#socket;
    const end = () => this.destroy();
    socket.on('error', (error) => this.#fail(error));
    socket.once('end', end);
    socket.once('close', end);
    socket.once('secureConnect', () => this.#sendPreface());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      this.#isFull = false;
      if (!this.#isClosed) this.#events.progress();
    });
  }

  #sendPreface(): void {
    if (this.#socket.alpnProtocol !== 'h2') {
      this.#fail(NO_HTTP2);
      return;
    }
    this.#out.bytes(PREFACE);
    const at = this.#out.begin(FRAME.settings, 0, 0);
    for (const [setting, value] of OUR_SETTINGS) {
      this.#out.uint16(setting);
      this.#out.uint32(value);
    }
    this.#out.end(at);
    this.#out.number(FRAME.windowUpdate, 0, OUR_EXTRA_WINDOW);
    this.flush();
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#frames.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#goaway(error.code);
      this.destroy();
      return;
    }
    if (this.#isClosed) return;
    this.#events.progress();
    this.flush();
  }

  #goaway(code: number): void {
    const at = this.#out.begin(FRAME.goaway, 0, 0);
    this.#out.uint32(0);
    this.#out.uint32(code);
    this.#out.end(at);
    this.flush();
  }

  #onClosed(fault?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(fault);
  }
}
