import type { ConnectionEvents } from '../connection/h2-connection.ts';
import type { BodySender } from './body-sender.ts';
import type { FrameWriter } from './frame-writer.ts';
import { HeaderReader } from './header-reader.ts';
import type { HeaderWriter } from './header-writer.ts';
import { OUR_WINDOW } from './our-settings.ts';
import {
  CODE,
  ConnectionError,
  DEFAULT_FRAME_SIZE,
  exactly,
  FLAG,
  FRAME,
  MAX_WINDOW,
  SETTING,
  violation,
  wrongSize,
} from './protocol.ts';

const MAX_BLOCK_BYTES = 64 * 1024;
const MAX_BLOCK_PARTS = 32;
const MAX_FRAME_SIZE = 2 ** 24 - 1;
const PRIORITY_BYTES = 5;
const SETTING_BYTES = 6;
const PING_BYTES = 8;

type PeerEvents = Omit<ConnectionEvents, 'progress' | 'closed'>;

interface Block {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/** Reads the peer's frames, checks them against the protocol, and acknowledges settings and pings. */
export class Incoming {
  /** Streams that the peer allows; none before its settings have arrived. */
  peerStreams = 0;
  hasSettings = false;
  readonly #out: FrameWriter;
  readonly #bodies: BodySender;
  readonly #ours: HeaderWriter;
  readonly #events: PeerEvents;
  /** Whether the stream is open or was open before. */
  readonly #isStarted: (streamId: number) => boolean;
  readonly #head = new HeaderReader();
  /** Headers that continue in the next frame. */
  #block: Block | undefined;
  #window = OUR_WINDOW;

  constructor(
    out: FrameWriter,
    bodies: BodySender,
    ours: HeaderWriter,
    events: PeerEvents,
    isStarted: (streamId: number) => boolean,
  ) {
    this.#out = out;
    this.#bodies = bodies;
    this.#ours = ours;
    this.#events = events;
    this.#isStarted = isStarted;
  }

  frame(type: number, flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    if (!this.hasSettings && type !== FRAME.settings) throw violation('The first frame is not SETTINGS');
    if (this.#block !== undefined && type !== FRAME.continuation)
      throw violation('A CONTINUATION frame is missing');
    switch (type) {
      case FRAME.data:
        this.#data(flags, streamId, buffer, start, end);
        break;
      case FRAME.headers:
        this.#headers(flags, streamId, buffer, start, end);
        break;
      case FRAME.continuation:
        this.#continuation(flags, streamId, buffer, start, end);
        break;
      case FRAME.rstStream:
        this.#ofStream(streamId);
        exactly(4, start, end);
        this.#events.reset(streamId, buffer.readUInt32BE(start));
        break;
      case FRAME.settings:
        this.#settings(flags, streamId, buffer, start, end);
        break;
      case FRAME.pushPromise:
        throw violation('The peer sent PUSH_PROMISE, which is disabled');
      case FRAME.ping:
        this.#ping(flags, streamId, buffer, start, end);
        break;
      case FRAME.goaway:
        this.#goaway(streamId, buffer, start, end);
        break;
      case FRAME.windowUpdate:
        this.#windowUpdate(streamId, buffer, start, end);
        break;
      case FRAME.priority:
        exactly(PRIORITY_BYTES, start, end);
        break;
    }
  }

  #data(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    this.#ofStream(streamId);
    this.#account(end - start);
    const padding = flags & FLAG.padded ? paddingOf(buffer, start, end) : 0;
    const from = flags & FLAG.padded ? start + 1 : start;
    this.#events.data(streamId, buffer, from, end - padding, (flags & FLAG.endStream) !== 0);
  }

  /** Takes received bytes with their padding from the window, and gives them back when half of it is used. */
  #account(bytes: number): void {
    this.#window -= bytes;
    if (this.#window < 0) {
      throw new ConnectionError(
        CODE.flowControlError,
        'The peer exceeds the flow-control window of the connection',
      );
    }
    if (this.#window > OUR_WINDOW / 2) return;
    this.#out.number(FRAME.windowUpdate, 0, OUR_WINDOW - this.#window);
    this.#window = OUR_WINDOW;
  }

  #headers(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    this.#ofStream(streamId);
    const padding = flags & FLAG.padded ? paddingOf(buffer, start, end) : 0;
    const from = start + (flags & FLAG.padded ? 1 : 0) + (flags & FLAG.priority ? PRIORITY_BYTES : 0);
    const to = end - padding;
    if (from > to) throw violation('The padding is longer than the frame');
    const isEnd = (flags & FLAG.endStream) !== 0;
    if (flags & FLAG.endHeaders) {
      this.#head.read(buffer, from, to);
      this.#events.headers(streamId, this.#head, isEnd);
    } else {
      this.#block = { streamId, isEnd, parts: [Buffer.from(buffer.subarray(from, to))], bytes: to - from };
    }
  }

  #continuation(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block?.streamId !== streamId)
      throw violation('A CONTINUATION frame follows no HEADERS frame of its stream');
    block.parts.push(Buffer.from(buffer.subarray(start, end)));
    block.bytes += end - start;
    if (block.bytes > MAX_BLOCK_BYTES || block.parts.length > MAX_BLOCK_PARTS) {
      throw new ConnectionError(CODE.enhanceYourCalm, 'The headers of an answer are too long');
    }
    if (!(flags & FLAG.endHeaders)) return;
    this.#block = undefined;
    this.#head.read(Buffer.concat(block.parts), 0, block.bytes);
    this.#events.headers(streamId, this.#head, block.isEnd);
  }

  #settings(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    ofConnection(streamId);
    if (flags & FLAG.ack) {
      exactly(0, start, end);
      if (!this.hasSettings) throw violation('The first frame is not SETTINGS');
      return;
    }
    if ((end - start) % SETTING_BYTES !== 0) throw wrongSize();
    if (!this.hasSettings) this.peerStreams = Number.POSITIVE_INFINITY;
    this.hasSettings = true;
    for (let at = start; at < end; at += SETTING_BYTES) {
      this.#apply(buffer.readUInt16BE(at), buffer.readUInt32BE(at + 2));
    }
    this.#out.end(this.#out.begin(FRAME.settings, FLAG.ack, 0));
  }

  #apply(setting: number, value: number): void {
    switch (setting) {
      case SETTING.headerTableSize:
        this.#ours.limit(value);
        break;
      case SETTING.enablePush:
        if (value !== 0) throw violation('The peer sets ENABLE_PUSH, which a server may not');
        break;
      case SETTING.maxConcurrentStreams:
        this.peerStreams = value;
        break;
      case SETTING.initialWindowSize:
        this.#bodies.setInitialWindow(value);
        break;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_FRAME_SIZE || value > MAX_FRAME_SIZE)
          throw violation('MAX_FRAME_SIZE is out of range');
        this.#bodies.maxFrameSize = value;
        break;
    }
  }

  #ping(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    ofConnection(streamId);
    exactly(PING_BYTES, start, end);
    if (flags & FLAG.ack) {
      this.#events.pong();
      return;
    }
    const at = this.#out.begin(FRAME.ping, FLAG.ack, 0);
    this.#out.bytes(buffer.subarray(start, end));
    this.#out.end(at);
  }

  #goaway(streamId: number, buffer: Buffer, start: number, end: number): void {
    ofConnection(streamId);
    if (end - start < 8) throw wrongSize();
    this.#events.goaway(buffer.readUInt32BE(start) & MAX_WINDOW, buffer.readUInt32BE(start + 4));
  }

  #windowUpdate(streamId: number, buffer: Buffer, start: number, end: number): void {
    exactly(4, start, end);
    const increment = buffer.readUInt32BE(start) & MAX_WINDOW;
    if (increment === 0) throw violation('The increment of a WINDOW_UPDATE frame is 0');
    if (streamId === 0) this.#bodies.growConnection(increment);
    else {
      this.#ofStream(streamId);
      this.#bodies.growStream(streamId, increment);
    }
  }

  #ofStream(streamId: number): void {
    if (!this.#isStarted(streamId)) throw violation('A frame names a stream that was never opened');
  }
}

function ofConnection(streamId: number): void {
  if (streamId !== 0) throw violation('A frame for the whole connection names a stream');
}

function paddingOf(buffer: Buffer, start: number, end: number): number {
  if (end === start) throw wrongSize();
  const padding = buffer[start] ?? 0;
  if (padding >= end - start) throw violation('The padding is longer than the frame');
  return padding;
}
