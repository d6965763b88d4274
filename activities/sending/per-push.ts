import { createBoundedMap } from '../../domain/bounded-map.ts';

/** The most pushes in memory. The one that was used least recently is evicted first. */
const REMEMBERED = 500;

/** Keeps what one process knows of each push, for all its leases. */
export function createPerPush<T>(make: () => T): (key: string) => T {
  const known = createBoundedMap<string, T>(REMEMBERED);
  return (key) => {
    const value = known.get(key) ?? make();
    known.set(key, value);
    return value;
  };
}
