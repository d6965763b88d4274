import { z } from 'zod';
import { daysAfter } from '../time/local-time.ts';

const MOST_DAYS = 3_660;
const YEAR = 366;
const Day = z.int().min(-MOST_DAYS).max(MOST_DAYS);

/** Days counted from the day of the push: 0 is that day, 3 lies in the future, -3 in the past. */
const Days = z.union(
  [
    Day,
    z
      .strictObject({ from: Day, to: Day })
      .refine(({ from, to }) => from <= to, { message: 'must not be before from', path: ['to'] }),
  ],
  `must be a whole number from -${MOST_DAYS} to ${MOST_DAYS}, or from and to, as in {"from": 0, "to": 7}`,
);
type Days = z.infer<typeof Days>;

/** Conditions on an attribute that holds a date, relative to the day of the push. */
export const DATE_COMPARISONS = [
  { op: z.literal('in_days'), days: Days },
  {
    op: z.literal('anniversary'),
    days: Days.refine((days) => lengthOf(days) <= YEAR, `must span at most ${YEAR} days`),
  },
] as const;

function lengthOf(days: Days): number {
  const { from, to } = rangeOf(days);
  return to - from + 1;
}

function rangeOf(days: Days): { readonly from: number; readonly to: number } {
  return typeof days === 'number' ? { from: days, to: days } : days;
}

/** The first and the last date that are meant, as in 2026-12-01. */
export function datesMeant(today: string, days: Days): { readonly first: string; readonly last: string } {
  const { from, to } = rangeOf(days);
  return { first: dateAfter(today, from), last: dateAfter(today, to) };
}

/** The days of the year that are meant, as in 12-01. In a year without 29 February it falls on 28 February. */
export function anniversariesMeant(today: string, days: Days): string[] {
  const { from } = rangeOf(days);
  const dates = Array.from({ length: lengthOf(days) }, (_, place) => dateAfter(today, from + place));
  const leapDays = dates.filter((date) => date.endsWith('-02-28') && dateAfter(date, 1).endsWith('-03-01'));
  return [...new Set([...dates.map((date) => date.slice(5)), ...leapDays.map(() => '02-29')])];
}

function dateAfter(date: string, days: number): string {
  return daysAfter(`${date}T00:00`, days).slice(0, 10);
}
