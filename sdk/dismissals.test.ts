import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLEAR_ALL_MS, type Closing, decideClosings } from './dismissals.ts';

test('at any time of the decision, a closing counts if no other is near it in time', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 3 * CLEAR_ALL_MS }), { minLength: 1, maxLength: 20 });
  const pauses = fc.array(fc.integer({ min: 1, max: 2 * CLEAR_ALL_MS }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(gaps, pauses, (between, decisions) => {
      let at = 0;
      const times = between.map((gap) => (at += gap));
      const asked = decisions.map((pause, index) => pause * (index + 1)).filter((time) => time <= at);
      let held: Closing[] = [];
      const counted: string[] = [];
      const decide = (now: number) => {
        const decided = decideClosings(held, now);
        held = decided.held;
        counted.push(...decided.alone.map(({ id }) => id));
      };
      const moments: { time: number; id?: string }[] = times.map((time, index) => ({ time, id: `${index}` }));
      moments.push(...asked.map((time) => ({ time })));
      for (const { time, id } of moments.sort((a, b) => a.time - b.time)) {
        if (id === undefined) decide(time);
        else held.push({ id, messageId: 'm', at: time, isTogether: false });
      }
      decide(at + CLEAR_ALL_MS + 1);
      const alone = times.flatMap((time, index) => {
        const isNear = times.some((other, i) => i !== index && Math.abs(other - time) <= CLEAR_ALL_MS);
        return isNear ? [] : [String(index)];
      });
      expect(counted.sort()).toEqual(alone.sort());
      expect(held).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test('with a clock that was set back, closings are decided at once instead of never', () => {
  const closing = { id: 'a', messageId: 'm', at: 1_000_000, isTogether: false };
  expect(decideClosings([closing], 5_000)).toEqual({ alone: [closing], held: [] });
});
