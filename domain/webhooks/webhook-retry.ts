const FIRST_MS = 5_000;
const LONGEST_MS = 6 * 3_600_000;
const JITTER = 0.2;

/** Attempts are made for this long after an event, or after its replay. */
export const RETRIED_MS = 24 * 3_600_000;
/** An endpoint is disabled after failing for this long. */
export const DISABLED_AFTER_MS = 5 * 24 * 3_600_000;

export interface Failure {
  /** Attempts since `from`, this one included. */
  readonly tries: number;
  readonly from: Date;
  readonly now: Date;
  /** The wait that the endpoint's Retry-After asks for. */
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/**
 * The time of the next attempt: 5 s, 15 s, 45 s … up to 6 h after the last one, with a jitter of 20 % either
 * way. Undefined when there are no more attempts.
 */
export function nextTry({ tries, from, now, retryAfterMs, random }: Failure): Date | undefined {
  const last = from.getTime() + RETRIED_MS;
  if (now.getTime() >= last) return undefined;
  const base = Math.min(LONGEST_MS, FIRST_MS * 3 ** Math.min(tries - 1, 20));
  const wait = Math.max(base * (1 - JITTER + 2 * JITTER * random), retryAfterMs ?? 0);
  return new Date(Math.min(now.getTime() + wait, last));
}
