import { expect, test } from 'vitest';
import { LeaseBook } from './lease-book.ts';

const UNANSWERED = { kind: 'ambiguous', reason: 'Timeout' } as const;

test('what was never answered is settled as such', () => {
  const book = new LeaseBook([], false);
  book.enter(7, UNANSWERED, 0);
  const batch = book.take(0, 10);
  expect(batch.results).toEqual([{ n: 7, status: 'ambiguous', reason: 'Timeout' }]);
  expect(book.waiting).toBe(0);
});

test('where the task says so it is put back and sent again a second later, which is no refused attempt', () => {
  const book = new LeaseBook([], true);
  book.enter(7, UNANSWERED, 0);
  const batch = book.take(0, 10);
  expect(batch.results).toEqual([{ n: 7, status: 'retry', reason: null }]);
  book.written(batch);
  expect(book.take(999, 10).due).toEqual([]);
  expect(book.take(1000, 10).due.map(({ n }) => n)).toEqual([7]);
});

test('it says how many of the results no push service has, until they are written', () => {
  const book = new LeaseBook([], false);
  const refused = { kind: 'retry_later', reason: 'Shutdown', afterMs: 0, answered: true } as const;
  book.enter(1, { kind: 'not_started' }, 0);
  book.enter(2, { ...refused, answered: false }, 0);
  book.enter(3, refused, 0);
  book.enter(4, UNANSWERED, 0);
  book.enter(5, { kind: 'accepted' }, 0);
  const batch = book.take(0, 10);
  expect(batch.unsent).toBe(2);
  expect(book.unsent).toBe(0);
  book.notWritten(batch);
  expect(book.unsent).toBe(2);
});

test('a delivery that is refused again and again waits twice as long each time, and never less than the service asks', () => {
  const refused = (afterMs: number) =>
    ({ kind: 'retry_later', reason: 'INTERNAL', afterMs, answered: true }) as const;
  const waits = (afterMs: number, times: number) => {
    const book = new LeaseBook([], false);
    return Array.from({ length: times }, () => {
      book.enter(1, refused(afterMs), 0);
      const batch = book.take(0, 10);
      book.written(batch);
      const at = book.nextRetryAt;
      book.take(Number.POSITIVE_INFINITY, 10);
      return at;
    });
  };
  expect(waits(0, 9)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 60_000, 60_000, 60_000]);
  expect(waits(300_000, 2)).toEqual([300_000, 300_000]);
  expect(waits(2_000_000, 1)).toEqual([900_000]);
});
