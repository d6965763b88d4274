import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextTry, RETRIED_MS } from './webhook-retry.ts';

const from = new Date('2026-11-22T00:00:00Z');
const unit = fc.double({ min: 0, max: 1, noNaN: true });

test('a message is retried for a day with growing gaps, the last time at the end of the day', () => {
  fc.assert(
    fc.property(fc.array(unit, { minLength: 40, maxLength: 40 }), (randoms) => {
      const at = [from];
      for (const random of randoms) {
        const now = at.at(-1) ?? from;
        const next = nextTry({ tries: at.length, from, now, retryAfterMs: undefined, random });
        if (next === undefined) break;
        expect(next.getTime()).toBeGreaterThan(now.getTime());
        at.push(next);
      }
      expect(at.at(-1)?.getTime()).toBe(from.getTime() + RETRIED_MS);
      expect(at.length).toBeGreaterThanOrEqual(10);
      expect(at.length).toBeLessThanOrEqual(16);
    }),
  );
});

test('the wait that the endpoint asks for is kept, but not beyond the day', () => {
  const now = from;
  const next = (ms: number) => nextTry({ tries: 1, from, now, retryAfterMs: ms, random: 0.5 })?.getTime();
  expect(next(60_000)).toBe(from.getTime() + 60_000);
  expect(next(1)).toBe(from.getTime() + 5_000);
  expect(next(90_000_000)).toBe(from.getTime() + RETRIED_MS);
});
