import type { FrameWriter } from './frame-writer.ts';
import {
  CODE,
  ConnectionError,
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  MAX_WINDOW,
} from './protocol.ts';

interface Waiting {
  readonly body: Buffer;
  sent: number;
  /** The flow-control window of the stream. */
  window: number;
}

/**
 * Writes request bodies as far as the peer's windows allow. Nearly every body fits at once, so the windows of
 * streams are kept only for bodies that wait.
 */
export class BodySender {
  maxFrameSize = DEFAULT_FRAME_SIZE;
  readonly #out: FrameWriter;
  readonly #waiting = new Map<number, Waiting>();
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;

  constructor(out: FrameWriter) {
    this.#out = out;
  }

  /** True when no body waits and the connection's window is open. */
  get isReady(): boolean {
    return this.#waiting.size === 0 && this.#window > 0;
  }

  send(streamId: number, body: string): void {
    const at = this.#out.begin(FRAME.data, FLAG.endStream, streamId);
    const bytes = this.#out.utf8(body);
    if (bytes <= this.#window && bytes <= this.#initialWindow && bytes <= this.maxFrameSize) {
      this.#out.end(at);
      this.#window -= bytes;
      return;
    }
    this.#out.length = at;
    const waiting = { body: Buffer.from(body), sent: 0, window: this.#initialWindow };
    this.#waiting.set(streamId, waiting);
    this.#go(streamId, waiting);
  }

  /** Drops the unsent part of a body. Returns whether there was any. */
  drop(streamId: number): boolean {
    return this.#waiting.delete(streamId);
  }

  growConnection(increment: number): void {
    this.#window = checked(this.#window + increment);
    for (const [streamId, waiting] of this.#waiting) this.#go(streamId, waiting);
  }

  growStream(streamId: number, increment: number): void {
    const waiting = this.#waiting.get(streamId);
    if (waiting === undefined) return;
    waiting.window = checked(waiting.window + increment);
    this.#go(streamId, waiting);
  }

  /** Also changes the windows of open streams, which may become negative (RFC 9113, 6.9.2). */
  setInitialWindow(bytes: number): void {
    const change = checked(bytes) - this.#initialWindow;
    this.#initialWindow = bytes;
    for (const [streamId, waiting] of this.#waiting) {
      waiting.window = checked(waiting.window + change);
      this.#go(streamId, waiting);
    }
  }

  #go(streamId: number, waiting: Waiting): void {
    const { body } = waiting;
    while (waiting.sent < body.length) {
      const left = body.length - waiting.sent;
      const size = Math.min(left, waiting.window, this.#window, this.maxFrameSize);
      if (size <= 0) return;
      const at = this.#out.begin(FRAME.data, size === left ? FLAG.endStream : 0, streamId);
      this.#out.bytes(body.subarray(waiting.sent, waiting.sent + size));
      this.#out.end(at);
      waiting.sent += size;
      waiting.window -= size;
      this.#window -= size;
    }
    this.#waiting.delete(streamId);
  }
}

function checked(window: number): number {
  if (window > MAX_WINDOW)
    throw new ConnectionError(CODE.flowControlError, 'A flow-control window is above 2^31-1 bytes');
  return window;
}
