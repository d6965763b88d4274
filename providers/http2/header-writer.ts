import type { RequestHead } from '../connection/request-head.ts';
import type { FrameWriter } from './frame-writer.ts';

/** Names of the static table that we send. A name that is not here costs its length once. */
const STATIC_NAMES: Readonly<Record<string, number>> = {
  ':authority': 1,
  ':path': 4,
  authorization: 23,
  'content-type': 31,
};
const METHOD_POST = 3;
const SCHEME_HTTPS = 7;
const FIRST_DYNAMIC = 62;
const ENTRY_OVERHEAD = 32;
/** The size of the table unless the peer allows less. A larger table is never used. */
const CAPACITY = 4096;

const INDEXED = { pattern: 0x80, bits: 7 } as const;
const REMEMBERED = { pattern: 0x40, bits: 6 } as const;
const SIZE_UPDATE = { pattern: 0x20, bits: 5 } as const;
const NOT_REMEMBERED = { pattern: 0x00, bits: 4 } as const;

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly size: number;
}

/**
 * Writes header blocks. Headers that requests share go into the peer's table once and take a few bytes from
 * then on. These bytes are kept for as long as nothing moves in the table.
 */
export class HeaderWriter {
  readonly #authority: string;
  /** The entries of the peer's table, the oldest first. */
  readonly #entries: Entry[] = [];
  #size = 0;
  #capacity = CAPACITY;
  /** The least capacity since the last block, where the peer has changed it. */
  #lowest: number | undefined;
  /** Grows whenever an index may have moved. */
  #generation = 0;
  readonly #kept = new WeakMap<RequestHead, { readonly generation: number; readonly bytes: Buffer }>();

  constructor(authority: string) {
    this.#authority = authority;
  }

  /** Applies the table size that the peer allows. */
  limit(bytes: number): void {
    const capacity = Math.min(bytes, CAPACITY);
    if (capacity === this.#capacity) return;
    this.#lowest = Math.min(this.#lowest ?? this.#capacity, capacity);
    this.#capacity = capacity;
    this.#evict(0);
    this.#generation++;
  }

  write(out: FrameWriter, head: RequestHead, path: string): void {
    if (this.#lowest !== undefined) this.#announceCapacity(out, this.#lowest);
    integer(out, NOT_REMEMBERED, STATIC_NAMES[':path'] ?? 0);
    string(out, path);
    const kept = this.#kept.get(head);
    if (kept?.generation === this.#generation) out.bytes(kept.bytes);
    else this.#writeHead(out, head);
  }

  #writeHead(out: FrameWriter, head: RequestHead): void {
    const generation = this.#generation;
    const start = out.length;
    integer(out, INDEXED, METHOD_POST);
    integer(out, INDEXED, SCHEME_HTTPS);
    this.#field(out, ':authority', this.#authority);
    for (let at = 0; at < head.headers.length; at += 2) {
      this.#field(out, head.headers[at] ?? '', head.headers[at + 1] ?? '');
    }
    if (generation === this.#generation) this.#kept.set(head, { generation, bytes: out.copyFrom(start) });
  }

  #field(out: FrameWriter, name: string, value: string): void {
    const known = this.#entries.findLastIndex((entry) => entry.name === name && entry.value === value);
    if (known >= 0) {
      integer(out, INDEXED, this.#indexAt(known));
      return;
    }
    const size = name.length + value.length + ENTRY_OVERHEAD;
    const fits = size <= this.#capacity;
    const nameIndex = this.#indexOfName(name);
    integer(out, fits ? REMEMBERED : NOT_REMEMBERED, nameIndex);
    if (nameIndex === 0) string(out, name);
    string(out, value);
    if (fits) this.#remember({ name, value, size });
  }

  #indexOfName(name: string): number {
    const known = STATIC_NAMES[name];
    if (known !== undefined) return known;
    const position = this.#entries.findLastIndex((entry) => entry.name === name);
    return position < 0 ? 0 : this.#indexAt(position);
  }

  #indexAt(position: number): number {
    return FIRST_DYNAMIC + this.#entries.length - 1 - position;
  }

  #remember(entry: Entry): void {
    this.#evict(entry.size);
    this.#entries.push(entry);
    this.#size += entry.size;
    this.#generation++;
  }

  /** Evicts the oldest entries until there is room for that number of bytes. */
  #evict(room: number): void {
    while (this.#size + room > this.#capacity) {
      const oldest = this.#entries.shift();
      if (oldest === undefined) return;
      this.#size -= oldest.size;
    }
  }

  /** RFC 7541, 4.2: the next block begins with the least capacity in between and with the one that holds. */
  #announceCapacity(out: FrameWriter, lowest: number): void {
    if (lowest < this.#capacity) integer(out, SIZE_UPDATE, lowest);
    integer(out, SIZE_UPDATE, this.#capacity);
    this.#lowest = undefined;
  }
}

function integer(
  out: FrameWriter,
  { pattern, bits }: { pattern: number; bits: number },
  value: number,
): void {
  const limit = 2 ** bits - 1;
  if (value < limit) {
    out.byte(pattern | value);
    return;
  }
  out.byte(pattern | limit);
  let rest = value - limit;
  for (; rest >= 0x80; rest >>>= 7) out.byte((rest & 0x7f) | 0x80);
  out.byte(rest);
}

const RAW_STRING = { pattern: 0x00, bits: 7 } as const;

function string(out: FrameWriter, text: string): void {
  integer(out, RAW_STRING, text.length);
  out.latin1(text);
}
