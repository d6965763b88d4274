import { Problem } from './problem.ts';

const WINDOW_MS = 60_000;
const FAILURES = 300;
const ADDRESSES = 10_000;

/** Guards run before the rate limit, which needs to know the caller: who only guesses keys is stopped here. */
export function createFailureLimit() {
  const failures = new Map<string, { count: number; until: number }>();
  return {
    check(address: string): void {
      const known = failures.get(address);
      if (known === undefined || known.count < FAILURES || known.until <= performance.now()) return;
      const retryAfterSeconds = Math.ceil((known.until - performance.now()) / 1000);
      throw new Problem('rate_limited', 'Too many requests without a valid key', { retryAfterSeconds });
    },
    count(address: string): void {
      const now = performance.now();
      const known = failures.get(address);
      if (known !== undefined && known.until > now) known.count++;
      else {
        if (failures.size >= ADDRESSES) failures.clear();
        failures.set(address, { count: 1, until: now + WINDOW_MS });
      }
    },
  };
}
