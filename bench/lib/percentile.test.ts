import { expect, test } from 'vitest';
import { percentile } from './percentile.ts';

test.each([
  [[5], 0.99, 5],
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 2, 3], 0.5, 2],
  [Array.from({ length: 200 }, (_, index) => index + 1), 0.99, 198],
])('of %j the share %d lies at or below %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

test('an empty list has no percentile', () => {
  expect(percentile([], 0.5)).toBeNaN();
});
