const FIRST_MS = 5_000;
const LONGEST_MS = 6 * 3_600_000;
const JITTER = 0.2;

/** How long after an event, or after its replay, it is still tried. */
export const RETRIED_MS = 24 * 3_600_000;
/** An endpoint that failed all this time is disabled. */
export const DISABLED_AFTER_MS = 5 * 24 * 3_600_000;

export interface Failure {
  /** Tries since `from`, this one included. */
  readonly tries: number;
  readonly from: Date;
  readonly now: Date;
  /** What the endpoint asked for. */
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** When it is tried again: 5 s, 15 s, 45 s … up to 6 h, each a fifth more or less. Undefined when it is given up. */
export function nextTry({ tries, from, now, retryAfterMs, random }: Failure): Date | undefined {
  const last = from.getTime() + RETRIED_MS;
  if (now.getTime() >= last) return undefined;
  const base = Math.min(LONGEST_MS, FIRST_MS * 3 ** Math.min(tries - 1, 20));
  const wait = Math.max(base * (1 - JITTER + 2 * JITTER * random), retryAfterMs ?? 0);
  return new Date(Math.min(now.getTime() + wait, last));
}

/** Retry-After: seconds, or a date. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
