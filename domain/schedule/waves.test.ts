import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOCAL_SPAN_MS, localTimeOf } from '../time/local-time.ts';
import { firstMomentOf, localTimeOfPush, PAST_ZONES, planWaves, zoneGraceOf } from './waves.ts';

const ZONES = Intl.supportedValuesOf('timeZone');
const LOCAL = '2027-03-28T02:30';
const FIRST = firstMomentOf(LOCAL);
const HOUR = 3_600_000;
const graceMs = HOUR;

test('all zones reach a time of day within 26 hours, in ascending waves', () => {
  const { dueAt, waveOf } = planWaves({
    zones: ZONES,
    timing: { local: LOCAL, past: 'skip', graceMs },
    now: FIRST,
  });
  expect(dueAt.length).toBeGreaterThan(30);
  expect(dueAt[0]).toBe(FIRST);
  expect(Math.max(...dueAt) - FIRST).toBeLessThanOrEqual(LOCAL_SPAN_MS);
  expect([...waveOf.values()]).not.toContain(null);
  // Berlin's clocks skip this time.
  expect(localTimeOf(dueAt[waveOf.get('Europe/Berlin') ?? -1] ?? 0, 'Europe/Berlin')).toBe(
    '2027-03-28T03:30',
  );
});

test('the local time of a push is read in the first zone', () => {
  expect(localTimeOfPush(FIRST)).toBe(LOCAL);
});

test('a zone that is past gets nothing, or the push on the next day, or now', () => {
  const now = FIRST + 20 * HOUR;
  const plan = (past: (typeof PAST_ZONES)[number]) =>
    planWaves({ zones: ['Asia/Tokyo', 'America/New_York'], timing: { local: LOCAL, past, graceMs }, now });
  expect(plan('skip').waveOf.get('Asia/Tokyo')).toBeNull();
  expect(plan('send_now').dueAt[0]).toBe(now);
  const nextDay = plan('next_day');
  expect(localTimeOf(nextDay.dueAt[nextDay.waveOf.get('Asia/Tokyo') ?? -1] ?? 0, 'Asia/Tokyo')).toBe(
    '2027-03-29T02:30',
  );
});

test('a zone is not past while the late policy allows a push to start', () => {
  expect(zoneGraceOf({ action: 'skip', afterMinutes: 0 })).toBeGreaterThan(0);
  const now = FIRST + 30 * 60_000;
  const { waveOf, dueAt } = planWaves({
    zones: ['Pacific/Kiritimati'],
    timing: { local: LOCAL, past: 'skip', graceMs },
    now,
  });
  expect([waveOf.get('Pacific/Kiritimati'), dueAt]).toEqual([0, [now]]);
});

test('each zone is in at most one wave; waves ascend, and none is empty, past or far ahead', () => {
  const args = fc.record({
    zones: fc.uniqueArray(fc.constantFrom(...ZONES), { minLength: 1 }),
    past: fc.constantFrom(...PAST_ZONES),
    now: fc.integer({ min: FIRST - 5 * HOUR, max: FIRST + 80 * HOUR }),
    graceMs: fc.integer({ min: 600_000, max: 3 * HOUR }),
  });
  fc.assert(
    fc.property(args, ({ zones, past, now, graceMs: grace }) => {
      const { dueAt, waveOf } = planWaves({ zones, timing: { local: LOCAL, past, graceMs: grace }, now });
      expect([...waveOf.keys()].toSorted()).toEqual(zones.toSorted());
      expect(new Set(dueAt).size).toBe(dueAt.length);
      expect(dueAt.toSorted((a, b) => a - b)).toEqual(dueAt);
      const used = new Set([...waveOf.values()].filter((wave) => wave !== null));
      expect(used.size).toBe(dueAt.length);
      for (const at of dueAt) {
        expect(at).toBeGreaterThanOrEqual(now);
        expect(at - now).toBeLessThanOrEqual(LOCAL_SPAN_MS + 30 * HOUR);
      }
      if (past !== 'skip') expect([...waveOf.values()]).not.toContain(null);
    }),
  );
});

test('quiet hours delay a zone until their end, with and without a local time', () => {
  const hold = { from: '22:00', to: '08:00', action: 'hold' } as const;
  const now = Date.parse('2026-11-22T10:10:00Z');
  const atOnce = planWaves({ zones: ['Pacific/Auckland', 'Europe/Berlin', 'UTC'], now, hold });
  expect(atOnce.dueAt).toEqual([now, Date.parse('2026-11-22T19:00:00Z')]);
  expect(atOnce.waveOf.get('Pacific/Auckland')).toBe(1);
  const timing = { local: '2026-11-23T23:00', past: 'skip', graceMs } as const;
  const { dueAt, waveOf } = planWaves({ zones: ZONES, now, timing, hold });
  for (const [zone, wave] of waveOf) {
    expect(localTimeOf(dueAt[wave ?? -1] ?? 0, zone), zone).toBe('2026-11-24T08:00');
  }
});
