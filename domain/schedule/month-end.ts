/** The months of one length, in the years in which they have it. */
interface MonthsOfLength {
  readonly length: number;
  readonly month: readonly number[];
  readonly year?: readonly number[];
}

const YEARS = Array.from({ length: 80 }, (_, place) => 2020 + place);

const MONTHS: readonly MonthsOfLength[] = [
  { length: 31, month: [1, 3, 5, 7, 8, 10, 12] },
  { length: 30, month: [4, 6, 9, 11] },
  { length: 29, month: [2], year: YEARS.filter((year) => year % 4 === 0) },
  { length: 28, month: [2], year: YEARS.filter((year) => year % 4 !== 0) },
];

interface DaysOfMonths {
  readonly dayOfMonth: readonly number[];
  readonly month: readonly number[];
  readonly year?: readonly number[];
}

/**
 * Days that are counted from the end of the month where they are negative, as in RFC 5545: -1 is the last one.
 * Calendars have no such days, so that there is one calendar for each length of a month, until 2099.
 */
export function daysOfMonths(days: readonly number[], months: readonly number[]): DaysOfMonths[] {
  if (days.every((day) => day > 0)) return [{ dayOfMonth: days, month: months }];
  return MONTHS.flatMap(({ length, month, ...years }) => {
    const own = days.map((day) => (day < 0 ? length + 1 + day : day)).filter((day) => day > 0);
    const dayOfMonth = [...new Set(own)].toSorted((a, b) => a - b);
    const wanted = month.filter((one) => months.includes(one));
    return dayOfMonth.length === 0 || wanted.length === 0 ? [] : [{ dayOfMonth, month: wanted, ...years }];
  });
}
