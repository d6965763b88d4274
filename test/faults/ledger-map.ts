/** One value per push, created on first use. */
export class LedgerMap<T> {
  readonly #items = new Map<number, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  of(pushNo: number): T {
    const found = this.#items.get(pushNo);
    if (found !== undefined) return found;
    const made = this.#make();
    this.#items.set(pushNo, made);
    return made;
  }
}
