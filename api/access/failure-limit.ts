import { createBoundedMap } from '../../domain/bounded-map.ts';
import { MINUTE_MS } from '../../domain/duration.ts';
import { Problem } from '../http/problem.ts';

const WINDOW_MS = MINUTE_MS;
const FAILURES = 300;
const ADDRESSES = 10_000;

/**
 * Stops addresses that guess keys. The rate limit cannot, because it needs to know the caller and runs after
 * the guards.
 */
export function createFailureLimit() {
  const failures = createBoundedMap<string, { count: number; until: number }>(ADDRESSES);
  return {
    check(address: string): void {
      const known = failures.get(address);
      if (known === undefined || known.count < FAILURES || known.until <= performance.now()) return;
      const retryAfterSeconds = Math.ceil((known.until - performance.now()) / 1000);
      throw new Problem(
        'rate_limited',
        'Too many requests without a valid key from this address; try again later',
        { retryAfterSeconds },
      );
    },
    count(address: string): void {
      const now = performance.now();
      const known = failures.get(address);
      if (known !== undefined && known.until > now) known.count++;
      else failures.set(address, { count: 1, until: now + WINDOW_MS });
    },
  };
}
