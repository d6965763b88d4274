import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { BodySender } from './body-sender.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HeaderWriter } from './header-writer.ts';
import { Incoming, type PeerEvents } from './incoming.ts';
import { OUR_EXTRA_WINDOW, OUR_SETTINGS } from './our-settings.ts';
import { CODE, ConnectionError, FLAG, FRAME } from './protocol.ts';
import type { RequestHead } from './request-head.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const PING = Buffer.from('signalbx', 'latin1');
/** A batch that is larger goes out before it is complete, so that the socket can say when it has enough. */
const BATCH_BYTES = 128 * 1024;
/** Requests that were collected longer ago than this met a frozen process: their leases may have ended meanwhile. */
const STALL_MS = 500;
/** What a peer asks for and does not read is not piled up beyond this. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

export interface ConnectionEvents extends PeerEvents {
  /** What came in was dealt with, or the socket takes more again. */
  progress(): void;
  /** Told once; nothing else is told after it. */
  closed(): void;
}

/**
 * One HTTP/2 connection over TLS, for many small POSTs with small answers (RFC 9113, RFC 7541). It keeps nothing of a
 * stream whose request went out whole: its owner knows the streams.
 */
export class Connection {
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

  constructor(url: URL, ca: string | undefined, events: ConnectionEvents) {
    this.#events = events;
    this.#headers = new HeaderWriter(url.host);
    const isStarted = (streamId: number) => streamId % 2 === 1 && streamId < this.#nextStreamId;
    this.#incoming = new Incoming(this.#out, this.#bodies, this.#headers, events, isStarted);
    this.#frames = new FrameReader((type, flags, streamId, buffer, start, end) => {
      if (!this.#isClosed) this.#incoming.frame(type, flags, streamId, buffer, start, end);
    });
    const host = url.hostname.replace(/^\[|\]$/g, '');
    this.#socket = connect({
      host,
      port: Number(url.port || 443),
      ALPNProtocols: ['h2'],
      ...(isIP(host) ? {} : { servername: host }),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#listen();
  }

  /** The peer's settings have come. */
  get isGreeted(): boolean {
    return this.#incoming.isGreeted;
  }

  /** How many streams the peer allows; none before its settings have come. */
  get peerStreams(): number {
    return this.#incoming.peerStreams;
  }

  /** Whether a request would be written at once. */
  get isReady(): boolean {
    return !this.#isClosed && !this.#isClosing && !this.#isFull && this.#bodies.isReady;
  }

  /** Nothing was written of streams with a higher ID. */
  get writtenStreamId(): number {
    return this.#writtenStreamId;
  }

  /** Starts a request, which the next flush writes at the latest; returns the ID of its stream. */
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

  /** The peer has ended the stream: if it did not wait for the whole request, the rest is not sent. */
  finish(streamId: number): void {
    if (this.#bodies.drop(streamId)) this.#out.number(FRAME.rstStream, streamId, CODE.cancel);
  }

  /** The peer has reset the stream. */
  forget(streamId: number): void {
    this.#bodies.drop(streamId);
  }

  ping(): void {
    const at = this.#out.begin(FRAME.ping, 0, 0);
    this.#out.bytes(PING);
    this.#out.end(at);
    this.flush();
  }

  /** Writes all that was collected at once, unless the process was frozen since. */
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

  /** Closes once everything is written; to be destroyed if that takes too long. */
  close(): void {
    if (this.#isClosed || this.#isClosing) return;
    this.#sayGoodbye(CODE.noError);
    this.#isClosing = true;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClosed();
  }

  get #hasUnwritten(): boolean {
    return this.#writtenStreamId < this.#nextStreamId - 2;
  }

  #listen(): void {
    const socket = this.#socket;
    const end = () => this.destroy();
    socket.setNoDelay(true);
    socket.on('error', end);
    socket.once('end', end);
    socket.once('close', end);
    socket.once('secureConnect', () => this.#greet());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      this.#isFull = false;
      if (!this.#isClosed) this.#events.progress();
    });
  }

  #greet(): void {
    if (this.#socket.alpnProtocol !== 'h2') {
      this.destroy();
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
      this.#sayGoodbye(error.code);
      this.destroy();
      return;
    }
    if (this.#isClosed) return;
    this.#events.progress();
    this.flush();
  }

  #sayGoodbye(code: number): void {
    const at = this.#out.begin(FRAME.goaway, 0, 0);
    this.#out.uint32(0);
    this.#out.uint32(code);
    this.#out.end(at);
    this.flush();
  }

  #onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed();
  }
}
