const BASE_MS = 1_000;
const MAX_MS = 300_000;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** Full jitter: a random time up to the bound, so that devices that failed together do not retry together. */
export function retryDelay(failures: number, retryAfterMs: number, random: () => number): number {
  const bound = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(20, failures - 1));
  return retryAfterMs + random() * bound;
}

/** The delay that a Retry-After header asks for, in seconds or as a date. */
export function readRetryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms)) : 0;
}

/** Limits the wait, because a clock that was set back would extend it without end. */
export function remainingWait(notBefore: number, now: number): number {
  const wait = notBefore - now;
  return wait > 0 && wait <= LONGEST_RETRY_AFTER_MS + MAX_MS ? wait : 0;
}

/** The outcome of a request. */
export type Verdict = 'done' | 'retry' | 'faulty' | 'forbidden';

/**
 * `faulty`: an item of the request is at fault, and smaller requests find it. `forbidden`: the sender is
 * refused regardless of the items. A forbidden request is retried for a while, because a proxy may answer so
 * by mistake.
 */
export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'done';
  if (status >= 500 || [401, 408, 409, 425, 429].includes(status)) return 'retry';
  return [400, 413, 422].includes(status) ? 'faulty' : 'forbidden';
}
