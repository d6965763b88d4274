import { z } from 'zod';
import { daysAfter, type LocalTime, localTimeOf, momentsOf } from '../time/local-time.ts';
import { Moment, TimeOfDay, TimeZone } from '../time-schemas.ts';
import { ALL, type Calendar, parseCron } from './cron.ts';
import { daysOfMonths } from './month-end.ts';
import { isInDueWeek, type Weeks } from './weeks.ts';

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

const DayOfMonth = z
  .int()
  .min(-31)
  .max(31)
  .refine((day) => day !== 0, 'must be 1 to 31, or -1 for the last day of the month');

const Rule = z.discriminatedUnion('every', [
  z.strictObject({ every: z.literal('day'), at: TimeOfDay }),
  z.strictObject({
    every: z.literal('week'),
    /** Every n-th week, counted from the week of `startAt`. */
    interval: z.int().min(1).max(52).optional(),
    on: z.array(z.enum(WEEKDAYS)).min(1).max(7),
    at: TimeOfDay,
  }),
  z.strictObject({
    every: z.literal('month'),
    /** -1 is the last day of the month, -2 the day before it. */
    on: z.array(DayOfMonth).min(1).max(62),
    at: TimeOfDay,
  }),
  z.strictObject({ every: z.literal('cron'), cron: z.string().min(1).max(200) }),
]);

/** When a recurring task pushes. */
export const Recurrence = z
  .strictObject({
    rule: Rule,
    /** The app's time zone when left out. */
    timeZone: TimeZone.optional(),
    /** No push before this time. The time of the approval when left out. */
    startAt: Moment.optional(),
    /** No push after this time. */
    endAt: Moment.optional(),
    /** The total number of pushes. */
    count: z.int().min(1).max(100_000).optional(),
  })
  .superRefine(({ rule, startAt, endAt }, context) => {
    if (startAt !== undefined && endAt !== undefined && Date.parse(endAt) < Date.parse(startAt)) {
      context.addIssue({ code: 'custom', path: ['endAt'], message: 'must not be before startAt' });
    }
    const parsed = rule.every === 'cron' ? parseCron(rule.cron) : undefined;
    if (parsed?.ok === false) {
      context.addIssue({ code: 'custom', path: ['rule', 'cron'], message: parsed.reason });
    }
  })
  .meta({ id: 'Recurrence' });
export type Recurrence = z.infer<typeof Recurrence>;

/** The calendars of a recurrence. A time is due when one of them matches. An invalid cron has none. */
export function calendarsOf(recurrence: Recurrence): readonly Calendar[] {
  const { rule } = recurrence;
  if (rule.every === 'cron') {
    const parsed = parseCron(rule.cron);
    return parsed.ok ? parsed.calendars : [];
  }
  const [hour, minute] = rule.at.split(':').map(Number);
  const daily = { ...ALL, hour: [hour ?? 0], minute: [minute ?? 0] };
  if (rule.every === 'month') {
    return daysOfMonths(rule.on, ALL.month).map((days) => ({ ...daily, ...days }));
  }
  if (rule.every === 'day') return [daily];
  const weeks = weeksOf(recurrence);
  const weekly = { ...daily, dayOfWeek: rule.on.map((day) => WEEKDAYS.indexOf(day)) };
  return [weeks === undefined ? weekly : { ...weekly, weeks }];
}

/** The weeks that are due, where not every week is. */
export function weeksOf({ rule, startAt }: Recurrence): Weeks | undefined {
  if (rule.every !== 'week' || rule.interval === undefined || rule.interval === 1) return undefined;
  return { interval: rule.interval, since: startAt === undefined ? 0 : Date.parse(startAt) };
}

/** A moment at which a push is due, with the local time in its zone. */
export interface Occurrence {
  readonly at: number;
  readonly local: LocalTime;
}

/** The longest gap between two occurrences: 29 February can be eight years away. */
const SEARCHED_DAYS = 8 * 366 + 1;

/**
 * The next occurrence after `after`, or undefined. A time of day that clocks skip has no occurrence on that
 * day. A time that clocks show twice has one occurrence, the first.
 */
export function nextOccurrence(
  calendars: readonly Calendar[],
  zone: string,
  after: number,
): Occurrence | undefined {
  return occurrencesAfter(calendars, zone, after).next().value ?? undefined;
}

function* occurrencesAfter(
  calendars: readonly Calendar[],
  zone: string,
  after: number,
): Generator<Occurrence, void> {
  const yesterday = daysAfter(localTimeOf(after, zone), -1);
  let idle = 0;
  for (let days = 0; idle < SEARCHED_DAYS; days++) {
    const date = daysAfter(yesterday, days).slice(0, 10);
    const occurrences = occurrencesOfDay(calendars, date, zone).filter(({ at }) => at > after);
    yield* occurrences;
    idle = occurrences.length === 0 ? idle + 1 : 0;
  }
}

function occurrencesOfDay(calendars: readonly Calendar[], date: string, zone: string): Occurrence[] {
  const day = new Date(`${date}T00:00Z`);
  const times = calendars
    .filter(
      ({ dayOfMonth, month, dayOfWeek, year, weeks }) =>
        (year === undefined || year.includes(day.getUTCFullYear())) &&
        (weeks === undefined || isInDueWeek(weeks, date, zone)) &&
        dayOfMonth.includes(day.getUTCDate()) &&
        month.includes(day.getUTCMonth() + 1) &&
        dayOfWeek.includes(day.getUTCDay()),
    )
    .flatMap(({ hour, minute }) => hour.flatMap((h) => minute.map((m) => `${date}T${two(h)}:${two(m)}`)));
  return [...new Set(times)]
    .flatMap((local) => {
      const [at] = momentsOf(local, zone);
      return at === undefined ? [] : [{ at, local }];
    })
    .toSorted((a, b) => a.at - b.at);
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

export interface Missed {
  readonly count: number;
  readonly last: Occurrence | null;
}

/** Counting stops here, because a higher number makes no difference. */
const COUNTED = 10_000;

/** The occurrences in (after, until]. */
export function occurrencesBetween(
  calendars: readonly Calendar[],
  zone: string,
  after: number,
  until: number,
): Missed {
  let count = 0;
  let last: Occurrence | null = null;
  for (const occurrence of occurrencesAfter(calendars, zone, after)) {
    if (occurrence.at > until || count >= COUNTED) break;
    count++;
    last = occurrence;
  }
  return { count, last };
}
