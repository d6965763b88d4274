/** Two independent 32-bit hashes of a text, mixed in one pass (after cyrb53 by bryc, public domain). */
export function hash64(text: string): { readonly low: number; readonly high: number } {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return { low: a >>> 0, high: b >>> 0 };
}

const INITIAL_SLOTS = 1 << 16;

/** A set of texts that keeps only their 64-bit hashes: 16 bytes or so each, for millions. */
export class HashSet {
  #slots = new Uint32Array(INITIAL_SLOTS * 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether the text was not in the set before. */
  add(text: string): boolean {
    const { low, high } = hash64(text);
    // Zero marks a free slot.
    if (!this.#insert(low === 0 ? 1 : low, high)) return false;
    this.#size++;
    if (this.#size * 4 > this.#slots.length) this.#grow();
    return true;
  }

  clear(): void {
    this.#slots = new Uint32Array(INITIAL_SLOTS * 2);
    this.#size = 0;
  }

  #insert(low: number, high: number): boolean {
    const mask = this.#slots.length / 2 - 1;
    for (let slot = high & mask; ; slot = (slot + 1) & mask) {
      const present = this.#slots[slot * 2];
      if (present === 0) {
        this.#slots[slot * 2] = low;
        this.#slots[slot * 2 + 1] = high;
        return true;
      }
      if (present === low && this.#slots[slot * 2 + 1] === high) return false;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      const low = old[i] ?? 0;
      if (low !== 0) this.#insert(low, old[i + 1] ?? 0);
    }
  }
}
