import { type FileHandle, open } from 'node:fs/promises';
import type { LoggedRequest } from '../simulators/request-log.ts';

const CHUNK_BYTES = 1 << 18;
const NEWLINE = 10;

/** Follows a growing NDJSON file and holds no more than one chunk of it. */
export class LogTail {
  readonly #file: FileHandle;
  #chunk = Buffer.alloc(CHUNK_BYTES);
  #offset = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<LogTail> {
    return new LogTail(await open(path, 'r'));
  }

  /** The next whole lines; none at the end of what is written so far. */
  async read(): Promise<LoggedRequest[]> {
    const { bytesRead } = await this.#file.read(this.#chunk, 0, CHUNK_BYTES, this.#offset);
    const end = this.#chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (end === -1) return [];
    this.#offset += end + 1;
    const lines = this.#chunk.toString('utf8', 0, end).split('\n');
    return lines.map((line) => JSON.parse(line) as LoggedRequest);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
