import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLocalTime, localTimeOf, momentOf, momentsOf } from '../time/local-time.ts';
import { parseCron } from './cron.ts';
import { calendarsOf, nextOccurrence, occurrencesBetween, Recurrence } from './recurrence.ts';

const BERLIN = 'Europe/Berlin';
const ZONES = [
  BERLIN,
  'UTC',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Pacific/Kiritimati',
];
const HOUR = 3_600_000;

function runs(
  rule: Recurrence['rule'],
  zone: string,
  after: string,
  count: number,
  startAt?: string,
): string[] {
  const calendars = calendarsOf({ rule, startAt });
  const found: string[] = [];
  let at = Date.parse(after);
  while (found.length < count) {
    const next = nextOccurrence(calendars, zone, at);
    if (next === undefined) break;
    at = next.at;
    found.push(new Date(at).toISOString());
  }
  return found;
}

describe('when clocks are changed', () => {
  test('a daily push stays at its local time', () => {
    expect(runs({ every: 'day', at: '09:00' }, BERLIN, '2027-03-27T00:00Z', 3)).toEqual([
      '2027-03-27T08:00:00.000Z',
      '2027-03-28T07:00:00.000Z',
      '2027-03-29T07:00:00.000Z',
    ]);
  });

  test('a skipped time has no push on that day', () => {
    expect(momentsOf('2027-03-28T02:30', BERLIN)).toEqual([]);
    expect(runs({ every: 'day', at: '02:30' }, BERLIN, '2027-03-27T12:00Z', 1)).toEqual([
      '2027-03-29T00:30:00.000Z',
    ]);
    expect(new Date(momentOf('2027-03-28T02:30', BERLIN)).toISOString()).toBe('2027-03-28T01:30:00.000Z');
  });

  test('a repeated time has one push, the first time', () => {
    expect(momentsOf('2027-10-31T02:30', BERLIN)).toHaveLength(2);
    expect(runs({ every: 'day', at: '02:30' }, BERLIN, '2027-10-30T12:00Z', 2)).toEqual([
      '2027-10-31T00:30:00.000Z',
      '2027-11-01T01:30:00.000Z',
    ]);
  });
});

test('weekly and monthly rules', () => {
  const weekly = { every: 'week', on: ['monday', 'friday'], at: '18:15' } as const;
  expect(runs({ ...weekly, on: [...weekly.on] }, 'UTC', '2027-01-01T18:15Z', 2)).toEqual([
    '2027-01-04T18:15:00.000Z',
    '2027-01-08T18:15:00.000Z',
  ]);
  expect(runs({ every: 'month', on: [31], at: '00:00' }, 'UTC', '2027-02-01T00:00Z', 2)).toEqual([
    '2027-03-31T00:00:00.000Z',
    '2027-05-31T00:00:00.000Z',
  ]);
});

test.each([
  [[-1], ['2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30']],
  [[-2], ['2027-12-30', '2028-01-30', '2028-02-28', '2028-03-30', '2028-04-29']],
  [
    [15, -1],
    ['2027-12-15', '2027-12-31', '2028-01-15', '2028-01-31', '2028-02-15'],
  ],
  [
    [31, -1],
    ['2027-12-31', '2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30'],
  ],
  [[-31], ['2027-12-01', '2028-01-01', '2028-03-01', '2028-05-01', '2028-07-01']],
])('monthly on %j, where negative days count from the end', (on, dates) => {
  const found = runs({ every: 'month', on, at: '09:00' }, BERLIN, '2027-12-01T00:00Z', 5);
  expect(found.map((at) => localTimeOf(Date.parse(at), BERLIN))).toEqual(dates.map((day) => `${day}T09:00`));
});

test('February ends on its 28th in a common year', () => {
  expect(runs({ every: 'month', on: [-1], at: '09:00' }, 'UTC', '2027-02-01T00:00Z', 1)).toEqual([
    '2027-02-28T09:00:00.000Z',
  ]);
});

test.each([
  ['0 9 L * *', ['2027-02-28', '2027-03-31', '2027-04-30']],
  ['0 9 l 2 *', ['2027-02-28', '2028-02-29', '2029-02-28']],
  ['0 9 1,L * *', ['2027-02-28', '2027-03-01', '2027-03-31']],
  ['0 9 L * MON', ['2027-02-15', '2027-02-22', '2027-02-28']],
])('cron %s has the last day of the month', (cron, dates) => {
  const found = runs({ every: 'cron', cron }, 'UTC', '2027-02-10T00:00Z', 3);
  expect(found).toEqual(dates.map((date) => `${date}T09:00:00.000Z`));
});

test('every second week is counted from the week of the start, over a change of clocks and of the year', () => {
  const rule: Recurrence['rule'] = { every: 'week', interval: 2, on: ['monday', 'thursday'], at: '09:00' };
  const start = '2027-03-18T00:00:00Z';
  expect(runs(rule, BERLIN, start, 4, start)).toEqual([
    '2027-03-18T08:00:00.000Z',
    '2027-03-29T07:00:00.000Z',
    '2027-04-01T07:00:00.000Z',
    '2027-04-12T07:00:00.000Z',
  ]);
  expect(runs({ ...rule, on: ['sunday'] }, 'UTC', '2027-12-20T00:00Z', 2, '2027-12-26T23:00:00Z')).toEqual([
    '2027-12-26T09:00:00.000Z',
    '2028-01-09T09:00:00.000Z',
  ]);
  // Sunday in Los Angeles is in the week before Monday in UTC.
  const early = runs({ ...rule, on: ['friday'] }, 'America/Los_Angeles', start, 1, '2027-03-22T03:00:00Z');
  expect(early).toEqual(['2027-03-19T16:00:00.000Z']);
});

test('an interval of one is every week', () => {
  const weekly: Recurrence['rule'] = { every: 'week', on: ['monday'], at: '09:00' };
  expect(calendarsOf({ rule: { ...weekly, interval: 1 } })).toEqual(calendarsOf({ rule: weekly }));
});

describe('cron', () => {
  test.each([
    ['30 9 * * MON-FRI', '2027-01-01T09:30:00.000Z'],
    ['*/20 10-12 * * *', '2027-01-01T10:00:00.000Z'],
    ['0 0 13 * 5', '2027-01-08T00:00:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
    ['@yearly', '2028-01-01T00:00:00.000Z'],
    ['5/30 8 * * 7', '2027-01-03T08:05:00.000Z'],
  ])('%s', (cron, first) => {
    expect(runs({ every: 'cron', cron }, 'UTC', '2027-01-01T01:00Z', 1)).toEqual([first]);
  });

  test.each([
    '',
    '* * * *',
    '60 * * * *',
    '* * 0 * *',
    '*/0 * * * *',
    '5-1 * * * *',
    '* * * * FRY',
    '@every 5s',
    '*-3 * * * *',
  ])('"%s" is refused', (cron) => {
    expect(parseCron(cron)).toMatchObject({ ok: false });
  });

  test('an invalid part is named with its field', () => {
    expect(parseCron('0,61 * * * *')).toEqual({ ok: false, reason: '"61" is not a valid minute' });
  });

  test('30 February never comes', () => {
    expect(runs({ every: 'cron', cron: '0 0 30 2 *' }, 'UTC', '2027-01-01T00:00Z', 1)).toEqual([]);
  });

  test('any text is read or refused', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseCron(text).ok === 'boolean'));
  });
});

test.each([
  [{ count: 0 }, 'count'],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
  [{ startAt: '2027-02-01T00:00:00Z', endAt: '2027-01-01T00:00:00Z' }, 'endAt'],
  [{ rule: { every: 'day', at: '24:00' } }, 'rule.at'],
  [{ rule: { every: 'week', on: [], at: '09:00' } }, 'rule.on'],
  [{ rule: { every: 'cron', cron: '61 * * * *' } }, 'rule.cron'],
  [{ rule: { every: 'cron', cron: '0 9 LW * *' } }, 'rule.cron'],
  [{ rule: { every: 'cron', cron: '0 L * * *' } }, 'rule.cron'],
  [{ rule: { every: 'month', on: [0], at: '09:00' } }, 'rule.on.0'],
  [{ rule: { every: 'month', on: [-32], at: '09:00' } }, 'rule.on.0'],
  [{ rule: { every: 'week', interval: 0, on: ['monday'], at: '09:00' } }, 'rule.interval'],
])('%j is refused with the path of the fault', (change, path) => {
  const parsed = Recurrence.safeParse({ rule: { every: 'day', at: '09:00' }, ...change });
  expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
});

const moments = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2030-01-01') });
const zones = fc.constantFrom(...ZONES);

test('the clocks of a zone show a local time at each of its moments', () => {
  fc.assert(
    fc.property(moments, zones, (at, zone) => {
      const minute = Math.floor(at / 60_000) * 60_000;
      const local = localTimeOf(minute, zone);
      expect(isLocalTime(local)).toBe(true);
      const found = momentsOf(local, zone);
      expect(found).toContain(minute);
      expect(found.length).toBeLessThanOrEqual(2);
      expect(localTimeOf(momentOf(local, zone), zone)).toBe(local);
    }),
  );
});

test('a daily push comes at its local time, at most once a day and 49 hours apart', () => {
  const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
  fc.assert(
    fc.property(moments, zones, times, (after, zone, [hour, minute]) => {
      const at = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
      const calendars = calendarsOf({ rule: { every: 'day', at } });
      const first = nextOccurrence(calendars, zone, after);
      const second = nextOccurrence(calendars, zone, first?.at ?? 0);
      if (first === undefined || second === undefined) throw new Error('no run');
      expect(first.at).toBeGreaterThan(after);
      expect(localTimeOf(first.at, zone)).toBe(first.local);
      expect(first.local.endsWith(at)).toBe(true);
      expect(second.local.slice(0, 10) > first.local.slice(0, 10)).toBe(true);
      expect(second.at - first.at).toBeLessThanOrEqual(49 * HOUR);
      expect(occurrencesBetween(calendars, zone, after, second.at)).toEqual({ count: 2, last: second });
    }),
  );
});
