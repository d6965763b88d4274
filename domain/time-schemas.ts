import { z } from 'zod';
import { canonicalTimeZone, timeZoneFault } from './time/time-zone.ts';

const DATE_TIME = z.iso.datetime({
  offset: true,
  error: 'must be a date and time with its offset, as in 2027-01-31T09:00:00+08:00',
});

const FIRST_MS = Date.UTC(1970, 0, 1);
const LAST_MS = Date.UTC(2200, 0, 1);

/** A moment in a request, as an ISO date and time with an offset. Dates that do not exist, such as 30 February, are refused. */
export const Moment = DATE_TIME.refine(
  (text) => Date.parse(text) >= FIRST_MS && Date.parse(text) < LAST_MS,
  'must lie between 1970 and 2199',
);

/** A clock may be ahead, but nothing that happened lies in the future. */
export function atMost(now: Date, at: Date): Date {
  return at > now ? now : at;
}

export const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, as in 09:00');

/** A time zone, which becomes its canonical name. The fault says what to write. */
export const TimeZone = z
  .string()
  .max(64)
  .superRefine((text, context) => {
    const message = timeZoneFault(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .overwrite((text) => canonicalTimeZone(text) ?? text)
  .meta({ examples: ['Europe/Berlin'] });
