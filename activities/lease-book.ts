import type { Settled } from '../db/advance.ts';
import type { InvalidToken } from '../db/invalid-tokens.ts';
import type { Outcome } from '../domain/outcome.ts';

interface Retry {
  readonly n: number;
  /** On the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** What one lease has learned and not yet written to Postgres. */
export interface LeaseBook {
  results: Settled[];
  invalid: InvalidToken[];
  /** Put back among `results`, and so not written yet. */
  fresh: Retry[];
  retries: Retry[];
  /** Outcomes that are final, and how many of them are rejections. */
  settled: number;
  rejected: number;
  refusal: string | undefined;
}

export function emptyBook(retries: readonly number[]): LeaseBook {
  return {
    results: [],
    invalid: [],
    fresh: [],
    retries: retries.map((n) => ({ n, at: 0 })),
    settled: 0,
    rejected: 0,
    refusal: undefined,
  };
}

/** Longer waits than this are left to the push service's own back-off, asked again. */
const MAX_RETRY_WAIT_MS = 60_000;

export function enter(book: LeaseBook, n: number, outcome: Outcome, now: number): void {
  switch (outcome.kind) {
    case 'accepted':
      book.settled++;
      book.results.push({ n, status: 'accepted', reason: null });
      break;
    case 'rejected':
      book.settled++;
      book.rejected++;
      book.results.push({ n, status: 'rejected', reason: outcome.reason });
      if (outcome.invalidatesToken) {
        book.invalid.push({ n, reason: outcome.reason, staleSince: outcome.staleSince ?? new Date() });
      }
      break;
    case 'ambiguous':
      book.settled++;
      book.results.push({ n, status: 'ambiguous', reason: outcome.reason });
      break;
    case 'refused':
      book.refusal ??= `${outcome.fault} refused by the push service: ${outcome.reason}`;
      putBack(book, n, outcome.reason, now);
      break;
    case 'retry_later':
      // Only an attempt that the service refused counts as one.
      putBack(
        book,
        n,
        outcome.answered ? outcome.reason : null,
        now + Math.min(outcome.afterMs, MAX_RETRY_WAIT_MS),
      );
      break;
    case 'not_started':
      putBack(book, n, null, now);
      break;
  }
}

/** What the next statement writes, and the retries that are due in it. */
export interface Batch {
  readonly results: Settled[];
  readonly invalid: InvalidToken[];
  readonly fresh: Retry[];
  readonly due: Retry[];
}

export function takeBatch(book: LeaseBook, now: number, limit: number): Batch {
  const due = book.retries.filter((retry) => retry.at <= now).slice(0, Math.max(0, limit));
  const batch = { results: book.results, invalid: book.invalid, fresh: book.fresh, due };
  book.results = [];
  book.invalid = [];
  book.fresh = [];
  book.retries = book.retries.filter((retry) => !due.includes(retry));
  return batch;
}

/** The batch was written: what it put back may be tried again. */
export function written(book: LeaseBook, batch: Batch): void {
  book.retries.push(...batch.fresh);
}

/** The batch was not written: it waits for the next try. */
export function notWritten(book: LeaseBook, batch: Batch): void {
  book.results.unshift(...batch.results);
  book.invalid.unshift(...batch.invalid);
  book.fresh.unshift(...batch.fresh);
  book.retries.push(...batch.due);
}

export function waitingRetries(book: LeaseBook): number {
  return book.retries.length + book.fresh.length;
}

export function nextRetryAt(book: LeaseBook): number {
  return book.retries.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
}

function putBack(book: LeaseBook, n: number, reason: string | null, at: number): void {
  book.results.push({ n, status: 'retry', reason });
  book.fresh.push({ n, at });
}
