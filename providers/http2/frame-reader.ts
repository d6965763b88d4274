import { CODE, ConnectionError, DEFAULT_FRAME_SIZE, FRAME_HEADER_BYTES } from './protocol.ts';

/** The payload lies in the buffer between start and end, and is valid only during the call. */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  buffer: Buffer,
  start: number,
  end: number,
) => void;

/** Cuts the input into frames, whatever the chunks in which the network delivers it. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Buffer | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (buffer.length - at >= FRAME_HEADER_BYTES) {
      const length = buffer.readUIntBE(at, 3);
      if (length > DEFAULT_FRAME_SIZE)
        throw new ConnectionError(CODE.frameSizeError, 'A frame is above the maximum frame size');
      const start = at + FRAME_HEADER_BYTES;
      const end = start + length;
      if (end > buffer.length) break;
      const streamId = buffer.readUInt32BE(at + 5) & 0x7fff_ffff;
      this.#onFrame(buffer[at + 3] ?? 0, buffer[at + 4] ?? 0, streamId, buffer, start, end);
      at = end;
    }
    this.#rest = at < buffer.length ? buffer.subarray(at) : undefined;
  }
}
