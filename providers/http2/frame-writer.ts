import { FLAG, FRAME, FRAME_HEADER_BYTES } from './protocol.ts';

const CAPACITY = 64 * 1024;
/** The size above which a buffer that one large batch has enlarged is not kept. */
const KEEP_BYTES = 256 * 1024;
const MAX_UTF8_PER_UNIT = 3;

/** Collects frames in one buffer, which goes out in one write. */
export class FrameWriter {
  length = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  #spare: Buffer | undefined;

  /** Returns the collected bytes. The next batch goes into another buffer until this one is given back. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(CAPACITY);
    this.#spare = undefined;
    this.length = 0;
    return taken;
  }

  giveBack(taken: Buffer): void {
    if (taken.buffer.byteLength <= KEEP_BYTES) this.#spare = Buffer.from(taken.buffer);
  }

  /** Starts a frame and returns its position. */
  begin(type: number, flags: number, streamId: number): number {
    this.#ensure(FRAME_HEADER_BYTES);
    const at = this.length;
    this.#buffer[at + 3] = type;
    this.#buffer[at + 4] = flags;
    this.#buffer.writeUInt32BE(streamId, at + 5);
    this.length = at + FRAME_HEADER_BYTES;
    return at;
  }

  /** Ends the frame that starts at the position. */
  end(at: number): void {
    this.#buffer.writeUIntBE(this.length - at - FRAME_HEADER_BYTES, at, 3);
  }

  /** Ends a HEADERS frame. Bytes beyond the peer's frame size go into CONTINUATION frames. */
  endHeaders(at: number, streamId: number, maxFrameSize: number): void {
    const body = at + FRAME_HEADER_BYTES;
    if (this.length - body <= maxFrameSize) {
      this.end(at);
      return;
    }
    const rest = Buffer.from(this.#buffer.subarray(body + maxFrameSize, this.length));
    this.length = body + maxFrameSize;
    this.#buffer[at + 4] = (this.#buffer[at + 4] ?? 0) & ~FLAG.endHeaders;
    this.end(at);
    for (let sent = 0; sent < rest.length; sent += maxFrameSize) {
      const isLast = sent + maxFrameSize >= rest.length;
      const frame = this.begin(FRAME.continuation, isLast ? FLAG.endHeaders : 0, streamId);
      this.bytes(rest.subarray(sent, sent + maxFrameSize));
      this.end(frame);
    }
  }

  /** Writes a frame whose payload is one number. */
  number(type: number, streamId: number, value: number): void {
    const at = this.begin(type, 0, streamId);
    this.uint32(value);
    this.end(at);
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#buffer[this.length++] = value;
  }

  uint32(value: number): void {
    this.#ensure(4);
    this.length = this.#buffer.writeUInt32BE(value, this.length);
  }

  uint16(value: number): void {
    this.#ensure(2);
    this.length = this.#buffer.writeUInt16BE(value, this.length);
  }

  bytes(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  latin1(text: string): void {
    this.#ensure(text.length);
    this.length += this.#buffer.write(text, this.length, 'latin1');
  }

  /** Returns how many bytes the text took. */
  utf8(text: string): number {
    this.#ensure(text.length * MAX_UTF8_PER_UNIT);
    const bytes = this.#buffer.write(text, this.length, 'utf8');
    this.length += bytes;
    return bytes;
  }

  copyFrom(start: number): Buffer {
    return Buffer.from(this.#buffer.subarray(start, this.length));
  }

  #ensure(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}
