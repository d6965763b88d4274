import fc from 'fast-check';
import { expect, test } from 'vitest';
import { localTimeOf } from '../time/local-time.ts';
import { endOfQuiet, isQuiet } from './quiet-hours.ts';

const MINUTE = 60_000;
const ZONES = Intl.supportedValuesOf('timeZone');
const night = { from: '22:00', to: '08:00' };

test('quiet hours end at the local time of the zone; outside of them nothing waits', () => {
  const at = Date.parse('2026-11-22T10:10:00Z');
  const end = endOfQuiet(night, at, 'Pacific/Auckland');
  expect(localTimeOf(end, 'Pacific/Auckland')).toBe('2026-11-23T08:00');
  expect(endOfQuiet(night, at, 'Europe/Berlin')).toBe(at);
  expect(endOfQuiet(night, Date.parse('2026-11-22T03:59:59Z'), 'UTC')).toBe(
    Date.parse('2026-11-22T08:00:00Z'),
  );
});

test.each([
  // Berlin's clocks jump from 02:00 to 03:00, over the end.
  ['2027-03-28T00:30:00Z', { from: '22:00', to: '02:30' }, '2027-03-28T01:00:00Z'],
  // Berlin's clocks show 02:00 to 03:00 twice. Quiet hours that end in between end twice.
  ['2026-10-24T23:30:00Z', { from: '22:00', to: '02:30' }, '2026-10-25T00:30:00Z'],
  ['2026-10-25T01:10:00Z', { from: '22:00', to: '02:30' }, '2026-10-25T01:30:00Z'],
  ['2026-10-25T00:10:00Z', { from: '22:00', to: '03:00' }, '2026-10-25T02:00:00Z'],
])('where clocks are changed, at %s with %o', (at, hours, end) => {
  expect(new Date(endOfQuiet(hours, Date.parse(at), 'Europe/Berlin')).toISOString()).toBe(
    new Date(end).toISOString(),
  );
});

test('the end is the first moment that is not quiet, at most 25 hours away, in all zones', () => {
  const time = fc.integer({ min: 0, max: 1439 }).map((m) => new Date(m * MINUTE).toISOString().slice(11, 16));
  const hours = fc.record({ from: time, to: time }).filter(({ from, to }) => from !== to);
  const from = Date.parse('2020-01-01T00:00:00Z');
  const at = fc.integer({ min: from, max: from + 20 * 365 * 86_400_000 });
  fc.assert(
    fc.property(hours, at, fc.constantFrom(...ZONES), fc.nat(), (quiet, now, zone, place) => {
      const end = endOfQuiet(quiet, now, zone);
      expect(isQuiet(quiet, end, zone)).toBe(false);
      if (!isQuiet(quiet, now, zone)) {
        expect(end).toBe(now);
        return;
      }
      expect(end).toBeGreaterThan(now);
      expect(end - now).toBeLessThanOrEqual(25 * 60 * MINUTE);
      expect(isQuiet(quiet, end - 1, zone)).toBe(true);
      expect(isQuiet(quiet, now + (place % (end - now)), zone)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
