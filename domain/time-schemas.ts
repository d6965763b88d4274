import { z } from 'zod';

/** A moment in a request, as an ISO date and time with an offset. */
export const Moment = z.iso.datetime({
  offset: true,
  error: 'must be a date and time with its offset, as in 2027-01-31T09:00:00+08:00',
});

export const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, as in 09:00');
