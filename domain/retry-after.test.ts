import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const from = new Date('2026-11-22T00:00:00Z');

test.each([
  ['120', 120_000],
  ['Sun, 22 Nov 2026 00:01:00 GMT', 60_000],
  ['Sat, 21 Nov 2026 00:00:00 GMT', 0],
  ['9999999999', undefined],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s', (header, expected) => {
  expect(retryAfterMs(header, from)).toBe(expected);
});
