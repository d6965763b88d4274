import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { type Batch, LeaseBook } from './lease-book.ts';

const UNANSWERED: Outcome = { kind: 'ambiguous', reason: 'Timeout' };
const refused = (reason: string, afterMs: number): Outcome => ({
  kind: 'retry_later',
  reason,
  afterMs,
  answered: true,
});

/** The batch of a statement that succeeds at `now`. */
function settle(book: LeaseBook, now: number): Batch {
  const batch = book.drain(now, 10);
  book.commit(batch);
  return batch;
}
const retriesAt = (book: LeaseBook, now: number) => settle(book, now).due.map(({ deliveryNo }) => deliveryNo);

describe('a delivery that was never answered', () => {
  test('is settled as ambiguous', () => {
    const book = new LeaseBook([], false);
    book.record(7, UNANSWERED, 0);
    expect(settle(book, 0).results).toEqual([{ deliveryNo: 7, status: 'ambiguous', reason: 'Timeout' }]);
    expect(book.waiting).toBe(0);
  });

  test('is sent again a second later if the task allows it, without a refused attempt', () => {
    const book = new LeaseBook([], true);
    book.record(7, UNANSWERED, 0);
    expect(settle(book, 0).results).toEqual([{ deliveryNo: 7, status: 'retry', reason: null }]);
    expect(retriesAt(book, 999)).toEqual([]);
    expect(retriesAt(book, 1000)).toEqual([7]);
  });
});

test('results that no push service has are counted until they are settled', () => {
  const book = new LeaseBook([], false);
  book.record(1, { kind: 'not_started' }, 0);
  book.record(2, { kind: 'retry_later', reason: 'Shutdown', afterMs: 0, answered: false }, 0);
  book.record(3, refused('Shutdown', 0), 0);
  book.record(4, UNANSWERED, 0);
  book.record(5, { kind: 'accepted' }, 0);
  expect(book.unsent).toBe(2);
  expect(settle(book, 0).unsent).toBe(2);
  expect(book.unsent).toBe(0);
});

test('a statement that fails loses nothing: the next one settles the same results, in their order', () => {
  const book = new LeaseBook([9], false);
  book.record(1, { kind: 'not_started' }, 0);
  const failed = book.drain(0, 10);
  book.restore(failed);
  book.record(2, { kind: 'accepted' }, 0);
  const { results, due, unsent } = settle(book, 0);
  expect(results.map(({ deliveryNo }) => deliveryNo)).toEqual([1, 2]);
  expect(due.map(({ deliveryNo }) => deliveryNo)).toEqual([9]);
  expect(unsent).toBe(1);
});

test('a delivery is not sent again before its last result is settled', () => {
  const book = new LeaseBook([], false);
  book.record(1, { kind: 'not_started' }, 0);
  const claim = book.drainRetries(0, 10);
  expect(claim).toMatchObject({ results: [], due: [] });
  book.commit(claim);
  settle(book, 0);
  expect(retriesAt(book, 0)).toEqual([1]);
});

test('an ending lease settles its retries as such', () => {
  const book = new LeaseBook([4, 5], false);
  book.settleRetries();
  expect(settle(book, 0)).toMatchObject({
    results: [
      { deliveryNo: 4, status: 'retry' },
      { deliveryNo: 5, status: 'retry' },
    ],
    due: [],
  });
});

describe('a delivery that is refused again and again', () => {
  const waits = (afterMs: number, times: number) => {
    const book = new LeaseBook([], false);
    return Array.from({ length: times }, () => {
      book.record(1, refused('INTERNAL', afterMs), 0);
      settle(book, 0);
      const at = book.nextRetryAt;
      book.drain(Number.POSITIVE_INFINITY, 10);
      return at;
    });
  };

  test('waits twice as long each time, up to a minute', () => {
    expect(waits(0, 9)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 60_000, 60_000, 60_000]);
  });

  test('waits as long as the push service asks, up to a quarter of an hour', () => {
    expect(waits(300_000, 2)).toEqual([300_000, 300_000]);
    expect(waits(2_000_000, 1)).toEqual([900_000]);
  });
});
