/** The most pushes in memory. The one that was used least recently is evicted first. */
const REMEMBERED = 500;

/** Keeps what one process knows of each push, for all its leases. */
export function createPerPush<T>(make: () => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.get(key) ?? make();
    known.delete(key);
    known.set(key, value);
    const [oldest] = known.keys();
    if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    return value;
  };
}
