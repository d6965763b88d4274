import { STATUS_CODE } from '../../domain/pushes/delivery.ts';

export interface Settled {
  readonly deliveryNo: number;
  readonly status: 'accepted' | 'rejected' | 'ambiguous' | 'retry';
  readonly reason: string | null;
}

/** Results of the deliveries `base` to `end`. */
export interface ResultsByNumber {
  readonly base: number;
  readonly end: number;
  readonly statuses: string;
  readonly reasons: (string | null)[] | null;
}

/** A null would make looking up one place of the array as slow as the array is long. */
export const UNANSWERED = -1;

/**
 * The results in an array as long as the span of numbers that they cover. The statuses go as the text that
 * Postgres reads, since the driver would quote and escape each of the hundreds of numbers.
 */
export function byNumber(results: readonly Settled[]): ResultsByNumber {
  if (results.length === 0) return { base: 0, end: -1, statuses: '{}', reasons: null };
  const base = results.reduce(
    (least, { deliveryNo }) => Math.min(least, deliveryNo),
    Number.POSITIVE_INFINITY,
  );
  const end = results.reduce((most, { deliveryNo }) => Math.max(most, deliveryNo), 0);
  const statuses = new Array<number>(end - base + 1).fill(UNANSWERED);
  let reasons: (string | null)[] | null = null;
  for (const { deliveryNo, status, reason } of results) {
    statuses[deliveryNo - base] = STATUS_CODE[status];
    if (reason === null) continue;
    reasons ??= new Array<string | null>(end - base + 1).fill(null);
    reasons[deliveryNo - base] = reason;
  }
  return { base, end, statuses: `{${statuses.join(',')}}`, reasons };
}
