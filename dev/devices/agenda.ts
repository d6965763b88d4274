const TICK_MS = 50;

/** A queue whose items become available at their due time. */
export class Agenda<T> {
  readonly #ticks = new Map<number, T[]>();
  #next = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(atMs: number, item: T): void {
    const tick = Math.max(this.#next, Math.ceil(atMs / TICK_MS));
    const items = this.#ticks.get(tick);
    if (items === undefined) this.#ticks.set(tick, [item]);
    else items.push(item);
    this.#size++;
  }

  /** The due items, in the order of their times. */
  take(nowMs: number): T[] {
    const until = Math.floor(nowMs / TICK_MS);
    const due = [...this.#ticks.keys()].filter((tick) => tick <= until).sort((a, b) => a - b);
    const items = due.flatMap((tick) => this.#ticks.get(tick) ?? []);
    for (const tick of due) this.#ticks.delete(tick);
    this.#next = until + 1;
    this.#size -= items.length;
    return items;
  }

  clear(): void {
    this.#ticks.clear();
    this.#size = 0;
  }
}
