import { decodeHuffman } from './huffman.ts';
import { CODE, ConnectionError } from './protocol.ts';

const STATIC_ENTRIES = 61;
const LAST_PSEUDO_HEADER = 14;
/** The entries of the static table for `:status`, from index 8. */
const FIRST_STATUS = 8;
const STATUSES = [200, 204, 206, 304, 400, 404, 500];
const CONTENT_LENGTH = 28;
const RETRY_AFTER = 53;
const STATUS = /^[1-9]\d\d$/;
const LENGTH = /^\d{1,15}$/;
const MAX_INTEGER = 2 ** 28;

/**
 * Reads the header block of an answer. Our settings give the peer no dynamic table, so each block stands
 * alone. Each block is walked to its end, but nothing except the status is decoded of an answer with status
 * 200.
 */
export class HeaderReader {
  /** 0 in trailers. */
  status = 0;
  retryAfter: string | undefined = undefined;
  contentLength: number | undefined = undefined;
  /** The block could be decoded, but is not a valid answer. */
  malformed = false;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #regular = false;
  /** The position of the string that was read last. */
  #from = 0;
  #to = 0;
  #huffman = false;

  read(buffer: Buffer, start: number, end: number): void {
    this.status = 0;
    this.retryAfter = undefined;
    this.contentLength = undefined;
    this.malformed = false;
    this.#regular = false;
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    while (this.#at < end && (buffer[this.#at] ?? 0) >> 5 === 1) {
      if (this.#integer(5) !== 0) throw broken('The peer sets a dynamic table size above the allowed 0');
    }
    while (this.#at < end) this.#field(buffer[this.#at] ?? 0);
  }

  #field(first: number): void {
    if (first >= 0x80) {
      const index = this.#integer(7);
      if (index === 0) throw broken('A header field has the invalid index 0');
      this.#indexed(index);
      return;
    }
    if (first >> 5 === 1) throw broken('A table size update comes after the first header field');
    const index = this.#integer(first >= 0x40 ? 6 : 4);
    if (index > STATIC_ENTRIES) throw broken('A header field refers to the dynamic table, which is empty');
    const name = index === 0 ? this.#literalName() : '';
    this.#string();
    const isPseudo = (index > 0 && index <= LAST_PSEUDO_HEADER) || name.startsWith(':');
    if (!isPseudo) this.#header(index, name);
    else if (index >= FIRST_STATUS || name === ':status') this.#enterStatus(numberIn(STATUS, this.#text()));
    else this.malformed = true;
  }

  #header(index: number, name: string): void {
    this.#regular = true;
    if (this.status === 200) return;
    if (index === RETRY_AFTER || name === 'retry-after') this.retryAfter = this.#text();
    else if (index === CONTENT_LENGTH || name === 'content-length') {
      if (this.contentLength !== undefined) this.malformed = true;
      this.contentLength = numberIn(LENGTH, this.#text());
      if (Number.isNaN(this.contentLength)) this.malformed = true;
    }
  }

  #indexed(index: number): void {
    if (index > STATIC_ENTRIES) throw broken('A header field refers to the dynamic table, which is empty');
    if (index > LAST_PSEUDO_HEADER) this.#regular = true;
    else this.#enterStatus(STATUSES[index - FIRST_STATUS] ?? Number.NaN);
  }

  #enterStatus(status: number): void {
    if (this.#regular || this.status !== 0 || Number.isNaN(status)) this.malformed = true;
    else this.status = status;
  }

  #literalName(): string {
    this.#string();
    return this.status === 200 ? '' : this.#text();
  }

  #text(): string {
    const bytes = this.#buffer.subarray(this.#from, this.#to);
    return this.#huffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }

  #string(): void {
    this.#huffman = this.#at < this.#end && (this.#buffer[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    this.#from = this.#at;
    this.#to = this.#at + length;
    if (this.#to > this.#end) throw broken('A header block ends within a header');
    this.#at = this.#to;
  }

  /** An integer of RFC 7541, 5.1: as many bits of the first byte as fit, then groups of seven. */
  #integer(bits: number): number {
    const limit = 2 ** bits - 1;
    let value = this.#byte() & limit;
    if (value < limit) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER || shift > 28) throw broken('A number in a header block is too large');
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw broken('A header block ends within a header');
    return this.#buffer[this.#at++] ?? 0;
  }
}

function numberIn(format: RegExp, text: string): number {
  return format.test(text) ? Number(text) : Number.NaN;
}

function broken(message: string): ConnectionError {
  return new ConnectionError(CODE.compressionError, message);
}
