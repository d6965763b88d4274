import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '../http/problem.ts';
import { tooLarge, UPLOAD_BYTES } from './upload-limit.ts';

/** A file whose encoding and line breaks are known. */
export interface OpenFile {
  readonly chunks: AsyncIterable<Buffer>;
  /** The first bytes as text. */
  readonly head: string;
  /** A label of the WHATWG encodings. */
  readonly encoding: string;
  readonly newline: '\n' | '\r';
  /** Whether the bytes of a part of the file are a file themselves, so that an upload can be resumed. */
  readonly isResumable: boolean;
}

export interface Opening {
  /** The charset of the content type. */
  readonly charset?: string | undefined;
  /** The content encoding says gzip. */
  readonly isGzip?: boolean;
}

interface Peeked {
  readonly head: Buffer;
  readonly chunks: AsyncIterable<Buffer>;
}

/** Enough to tell what a file is. */
const HEAD = 65_536;
const [LF, CR] = [10, 13];

/** The rest of a file whose first part was read before. Only a plain file is ever resumed. */
export function resumedFile(chunks: AsyncIterable<Buffer>): OpenFile {
  return { chunks, head: '', encoding: 'utf-8', newline: '\n', isResumable: true };
}

/** Reads the first bytes to find compression, encoding and line breaks. Throws a Problem for files of other kinds. */
export async function openFile(
  bytes: AsyncIterable<Buffer>,
  { charset, isGzip = false }: Opening = {},
): Promise<OpenFile> {
  const sent = await peek(bytes);
  const isPacked = isGzip || startsWith(sent.head, [0x1f, 0x8b]);
  const { head, chunks } = isPacked ? await peek(unpacked(sent.chunks)) : sent;
  const foreign = FOREIGN.find(({ magic }) => startsWith(head, magic));
  if (foreign !== undefined) throw unreadable(foreign.what);
  const encoding = encodingOf(head, charset);
  const newline = !head.includes(LF) && head.includes(CR) ? '\r' : '\n';
  const isResumable = !isPacked && encoding === 'utf-8' && newline === '\n';
  return { chunks, head: new TextDecoder(encoding).decode(head), encoding, newline, isResumable };
}

const FOREIGN: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  {
    magic: [0x50, 0x4b, 0x03, 0x04],
    what: 'is an Excel workbook (xlsx) or a ZIP archive; save the sheet as CSV, or send the unpacked file',
  },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], what: 'is an Excel workbook (xls); save the sheet as CSV' },
  { magic: [0x25, 0x50, 0x44, 0x46], what: 'is a PDF document; send CSV' },
  { magic: [0xff, 0xfe, 0, 0], what: 'is UTF-32; save it as UTF-8' },
  { magic: [0, 0, 0xfe, 0xff], what: 'is UTF-32; save it as UTF-8' },
];

export function unreadable(detail: string): Problem {
  return new Problem('invalid_request', 'The file cannot be read', { errors: [{ line: 1, detail }] });
}

const MARKS: readonly (readonly [mark: readonly number[], encoding: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** The byte order mark goes before the charset, because a program wrote it with the text. */
function encodingOf(head: Buffer, charset: string | undefined): string {
  const marked = MARKS.find(([mark]) => startsWith(head, mark));
  if (marked !== undefined) return marked[1];
  if (charset !== undefined) return knownEncoding(charset);
  const likely = unmarkedUtf16(head);
  if (likely === undefined) return 'utf-8';
  throw unreadable(
    `looks like ${likely} without a byte order mark; add charset=${likely} to the content type, or save it as UTF-8`,
  );
}

function knownEncoding(charset: string): string {
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    throw new Problem(
      'unsupported_media_type',
      `The charset ${JSON.stringify(charset.slice(0, 50))} is not known; send utf-8, utf-16le, utf-16be, gbk, gb18030, big5, shift_jis, euc-kr, iso-8859-1 or windows-1252`,
    );
  }
}

/** In UTF-16, every other byte of western text is zero. */
function unmarkedUtf16(head: Buffer): string | undefined {
  const zeros = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const many = Math.max(4, head.length / 5);
  if (odd > many && even < odd / 10) return 'utf-16le';
  return even > many && odd < even / 10 ? 'utf-16be' : undefined;
}

function startsWith(head: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, i) => head[i] === byte);
}

/** Reads until the head has a line break, without losing a chunk. */
async function peek(bytes: AsyncIterable<Buffer>): Promise<Peeked> {
  const iterator = bytes[Symbol.asyncIterator]();
  const seen: Buffer[] = [];
  for (let size = 0; size < HEAD; ) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    seen.push(value);
    size += value.length;
    if (size >= 4 && value.includes(LF)) break;
  }
  return { head: Buffer.concat(seen).subarray(0, HEAD), chunks: replayed(seen, iterator) };
}

async function* replayed(seen: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* seen;
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** The limit of an upload holds for the unpacked bytes, too, so that a small file cannot grow without end. */
async function* unpacked(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = pipeline(packed, createGunzip(), () => undefined);
  let size = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > UPLOAD_BYTES) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    throw isZlibError(error) ? unreadable('is not a whole gzip file; compress it again') : error;
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
