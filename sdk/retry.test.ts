import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRetryAfter, remainingWait, retryDelay, verdictOf } from './retry.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

describe('the delay before a retry', () => {
  test('lies between zero and a bound that doubles up to five minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), unit, (failures, random) => {
        const delay = retryDelay(failures, 0, () => random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(300_000, 1_000 * 2 ** (failures - 1)));
      }),
    );
    const longest = [1, 2, 3, 9, 10, 100].map((failures) => retryDelay(failures, 0, () => 1));
    expect(longest).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  });

  test('is never shorter than Retry-After', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(3_600_000), unit, (failures, after, random) => {
        expect(retryDelay(failures, after, () => random)).toBeGreaterThanOrEqual(after);
      }),
    );
  });

  test.each([
    [null, 0],
    ['30', 30_000],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['99999999', 3_600_000],
    ['soon', 0],
  ])('Retry-After of %s is %d ms', (header, ms) => {
    expect(readRetryAfter(header, Date.UTC(2026, 0, 1))).toBe(ms);
  });

  test('is not extended by a clock that was set back by years', () => {
    expect(remainingWait(Date.UTC(2026, 0, 1), Date.UTC(2020, 0, 1))).toBe(0);
    expect(remainingWait(5_000, 4_000)).toBe(1_000);
  });
});

test('each status has a verdict', () => {
  const of = (...statuses: number[]) => new Set(statuses.map(verdictOf));
  expect(of(200, 201, 204)).toEqual(new Set(['done']));
  expect(of(401, 408, 409, 425, 429, 500, 502, 503, 504)).toEqual(new Set(['retry']));
  expect(of(400, 413, 422)).toEqual(new Set(['faulty']));
  expect(of(403, 404, 405, 410, 304)).toEqual(new Set(['forbidden']));
});
