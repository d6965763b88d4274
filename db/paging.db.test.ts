import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor, toPage } from './paging.ts';

test('a cursor comes back as it was', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true });
  const ids = fc.string({ unit: fc.constantFrom('a', '0', '-'), minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(dates, ids, (createdAt, id) => {
      expect(decodeCursor(encodeCursor({ createdAt, id }))).toEqual({ createdAt, id });
    }),
  );
});

test('whatever else is given as a cursor is refused by one kind of error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => decodeCursor(text)).toThrow('is not a cursor of this list');
    }),
  );
});

test('only a page with rows behind it has a next one', () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id, createdAt: new Date(0) }));
  expect(toPage(rows, 3).nextCursor).toBeNull();
  expect(toPage(rows, 2)).toEqual({
    items: rows.slice(0, 2),
    nextCursor: encodeCursor({ createdAt: new Date(0), id: 'b' }),
  });
  expect(toPage([], 2)).toEqual({ items: [], nextCursor: null });
});
