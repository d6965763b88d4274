import { expect, test } from 'vitest';
import { anniversariesMeant, datesMeant } from './relative-date.ts';

test.each([
  ['2026-11-28', 3, { first: '2026-12-01', last: '2026-12-01' }],
  ['2026-03-01', -1, { first: '2026-02-28', last: '2026-02-28' }],
  ['2026-12-30', { from: 0, to: 7 }, { first: '2026-12-30', last: '2027-01-06' }],
])('on %s, in %j days is %j', (today, days, dates) => {
  expect(datesMeant(today, days)).toEqual(dates);
});

test.each([
  ['2026-11-28', 0, ['11-28']],
  ['2026-12-31', 1, ['01-01']],
  ['2027-02-28', 0, ['02-28', '02-29']],
  ['2028-02-28', 0, ['02-28']],
  ['2028-02-29', 0, ['02-29']],
  ['2027-03-01', 0, ['03-01']],
  ['2027-02-27', { from: 0, to: 2 }, ['02-27', '02-28', '03-01', '02-29']],
])('on %s, birthdays in %j days are those of %j', (today, days, expected) => {
  expect(anniversariesMeant(today, days)).toEqual(expected);
});

test('a year of days names each day of the year once', () => {
  expect(anniversariesMeant('2027-01-01', { from: 0, to: 365 })).toHaveLength(366);
});
