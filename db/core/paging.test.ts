import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CursorError, decodeCursor, encodeCursor, toPage } from './paging.ts';

test('decoding an encoded cursor gives the same cursor', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true });
  const ids = fc.string({ unit: fc.constantFrom('a', '0', '-'), minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(dates, ids, (createdAt, id) => {
      expect(decodeCursor(encodeCursor({ createdAt, id }))).toEqual({ createdAt, id });
    }),
  );
});

test('any other text given as a cursor is refused with a CursorError', () => {
  const almost = fc
    .tuple(fc.nat(), fc.string())
    .map((parts) => Buffer.from(parts.join(' ')).toString('base64'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), almost), (text) => {
      try {
        expect(encodeCursor(decodeCursor(text))).toBe(text);
      } catch (error) {
        expect(error).toEqual(new CursorError('is not a cursor of this list'));
      }
    }),
  );
  // The encoding of `1 a`, and other spellings of it.
  expect(decodeCursor('MSBh').id).toBe('a');
  for (const text of ['', 'MSBh=', ' MSBh', 'MSBh!']) expect(() => decodeCursor(text)).toThrow(CursorError);
});

test('only a page with further rows has a next cursor', () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id, createdAt: new Date(0) }));
  expect(toPage(rows, 3).nextCursor).toBeNull();
  expect(toPage(rows, 2)).toEqual({
    items: rows.slice(0, 2),
    nextCursor: encodeCursor({ createdAt: new Date(0), id: 'b' }),
  });
  expect(toPage([], 2)).toEqual({ items: [], nextCursor: null });
});
