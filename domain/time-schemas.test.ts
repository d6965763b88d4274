import { expect, test } from 'vitest';
import { atMost, Moment } from './time-schemas.ts';

test.each([
  '2026-02-30T10:00:00Z',
  '2026-02-29T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-04-31T10:00:00+02:00',
  '2026-01-01T25:00:00Z',
  '2026-01-01T10:00:00',
  '2026-01-01',
  '1767225600',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59-12:00',
])('%s names no moment', (text) => {
  expect(Moment.safeParse(text).success).toBe(false);
});

test.each([
  ['2028-02-29T10:00:00Z', '2028-02-29T10:00:00.000Z'],
  ['2026-11-30T18:00:00+08:00', '2026-11-30T10:00:00.000Z'],
])('%s is %s', (text, iso) => {
  expect(new Date(Moment.parse(text)).toISOString()).toBe(iso);
});

test('a moment in the future becomes now', () => {
  const now = new Date('2026-11-30T10:00:00Z');
  expect(atMost(now, new Date('2099-01-01T00:00:00Z'))).toEqual(now);
  expect(atMost(now, new Date('2026-01-01T00:00:00Z'))).toEqual(new Date('2026-01-01T00:00:00Z'));
});
