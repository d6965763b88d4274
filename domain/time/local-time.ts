import { createBoundedMap } from '../bounded-map.ts';
import { DAY_MS, HOUR_MS } from '../duration.ts';

/** A wall clock's date and time to the minute, as in 2027-01-31T09:00. */
export type LocalTime = string;

/** The time between the first zone and the last zone that reach a time of day: 26 hours. */
export const LOCAL_SPAN_MS = 26 * HOUR_MS;

const FORMATS = 1_000;
const formats = createBoundedMap<string, Intl.DateTimeFormat>(FORMATS);

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

/** Milliseconds by which the zone's clocks are ahead of UTC at this moment. */
function offsetAt(at: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** The date and time that the zone's clocks show. */
export function localTimeOf(at: number, zone: string): LocalTime {
  return new Date(at + offsetAt(at, zone)).toISOString().slice(0, 16);
}

/** All moments at which the zone's clocks show `local`: none for a skipped time, two for a repeated one. */
export function momentsOf(local: LocalTime, zone: string): number[] {
  const utc = Date.parse(`${local}Z`);
  const offsets = new Set([offsetAt(utc - DAY_MS, zone), offsetAt(utc + DAY_MS, zone)]);
  return [...offsets]
    .map((offset) => utc - offset)
    .filter((at) => at + offsetAt(at, zone) === utc)
    .toSorted((a, b) => a - b);
}

/** The first moment at which the zone's clocks show `local`. A skipped 02:30 moves by the gap, to 03:30. */
export function momentOf(local: LocalTime, zone: string): number {
  const utc = Date.parse(`${local}Z`);
  return momentsOf(local, zone)[0] ?? utc - offsetAt(utc - DAY_MS, zone);
}

/** Whether the text is a date and a time that exist in the calendar. */
export function isLocalTime(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text)) return false;
  const at = Date.parse(`${text}Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** The same time of day, `days` days later. */
export function daysAfter(local: LocalTime, days: number): LocalTime {
  return new Date(Date.parse(`${local}Z`) + days * DAY_MS).toISOString().slice(0, 16);
}
