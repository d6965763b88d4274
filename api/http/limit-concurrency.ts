export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Runs at most `concurrency` pieces of work at once. Further work waits, first in, first out. With `refuse`,
 * further work is rejected at once with the error that `refuse` returns.
 */
export function createLimiter(concurrency: number, refuse?: () => Error): Limiter {
  const waiting: (() => void)[] = [];
  let free = concurrency;
  return async (work) => {
    if (free > 0) free -= 1;
    else if (refuse === undefined) await new Promise<void>((start) => waiting.push(start));
    else throw refuse();
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
