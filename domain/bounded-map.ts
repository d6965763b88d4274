export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined;
  /** Adds or replaces an entry; the oldest one goes when the map is full. */
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  clear(): void;
}

/** A cache that holds at most `maxEntries`. */
export function createBoundedMap<Key, Value>(maxEntries: number): BoundedMap<Key, Value> {
  const entries = new Map<Key, Value>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.delete(key);
      const [oldest] = entries.size < maxEntries ? [] : entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
      entries.set(key, value);
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}
