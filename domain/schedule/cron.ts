import { daysOfMonths } from './month-end.ts';
import type { Weeks } from './weeks.ts';

/** The numbers that each field of a calendar allows. A time is due when all five match. Sunday is 0. */
export interface Calendar {
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dayOfMonth: readonly number[];
  readonly month: readonly number[];
  readonly dayOfWeek: readonly number[];
  /** Every year when left out. */
  readonly year?: readonly number[];
  readonly weeks?: Weeks;
}

export type ParsedCron =
  | { readonly ok: true; readonly calendars: readonly Calendar[] }
  | { readonly ok: false; readonly reason: string };

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** `L` is the last day. */
  readonly hasLast?: true;
}

const LAST = -1;

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31, hasLast: true },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  // Sunday is both 0 and 7.
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];

const MACROS: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
]);

export const ALL = {
  hour: range(0, 23),
  dayOfMonth: range(1, 31),
  month: range(1, 12),
  dayOfWeek: range(0, 6),
} as const;

/** Reads five fields as cron does. With both day of month and day of week given, a day matches by either. */
export function parseCron(text: string): ParsedCron {
  const fields = (MACROS.get(text.trim()) ?? text.trim()).split(/\s+/);
  if (fields.length !== FIELDS.length) {
    return { ok: false, reason: 'needs five fields: minute, hour, day of month, month, day of week' };
  }
  const numbers: (readonly number[])[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const parsed = parseField(fields[index] ?? '', field);
    if (typeof parsed === 'string') return { ok: false, reason: parsed };
    numbers.push(parsed);
  }
  const [minute = [], hour = [], dayOfMonth = [], month = [], weekdays = []] = numbers;
  const dayOfWeek = [...new Set(weekdays.map((day) => day % 7))].toSorted((a, b) => a - b);
  const either = !fields[2]?.startsWith('*') && !fields[4]?.startsWith('*');
  const one = { minute, hour, dayOfMonth, month, dayOfWeek };
  const byDate = daysOfMonths(dayOfMonth, month).map((days) => ({ ...one, ...days }));
  if (!either) return { ok: true, calendars: byDate };
  return {
    ok: true,
    calendars: [
      ...byDate.map((calendar) => ({ ...calendar, dayOfWeek: ALL.dayOfWeek })),
      { ...one, dayOfMonth: ALL.dayOfMonth },
    ],
  };
}

function parseField(text: string, field: Field): number[] | string {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const parsed = parsePart(part, field);
    if (typeof parsed === 'string') return parsed;
    for (let number = parsed.first; number <= parsed.last; number += parsed.step) numbers.add(number);
  }
  return [...numbers].toSorted((a, b) => a - b);
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const PART = /^(?:\*|(?<from>\w+)(?:-(?<to>\w+))?)(?:\/(?<step>\d+))?$/;

/** A range such as 5, 5-20, 5/10 or 5-20/3, or the reason of a refusal. 5/10 means from 5 to the end. */
function parsePart(text: string, field: Field): Range | string {
  const reason = `"${text.slice(0, 40)}" is not a valid ${field.name}`;
  if (field.hasLast && text.toUpperCase() === 'L') return { first: LAST, last: LAST, step: 1 };
  const groups = PART.exec(text)?.groups;
  if (groups === undefined) return reason;
  const { from, to = groups['step'] === undefined ? from : undefined, step = '1' } = groups;
  const first = from === undefined ? field.min : numberOf(from, field);
  const last = to === undefined ? field.max : numberOf(to, field);
  if (first === undefined || last === undefined || first > last || Number(step) < 1) return reason;
  return { first, last, step: Number(step) };
}

function numberOf(text: string, { min, max, names }: Field): number | undefined {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + min;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
