import { z } from 'zod';
import { canonicalTimeZone, timeZoneFault } from './time/time-zone.ts';

/** A moment in a request, as an ISO date and time with an offset. */
export const Moment = z.iso.datetime({
  offset: true,
  error: 'must be a date and time with its offset, as in 2027-01-31T09:00:00+08:00',
});

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
