import { z } from 'zod';
import { EXTERNAL_ID, EXTERNAL_ID_RULE, LIMITS } from '../devices/device.ts';
import { INEXACT_NUMBER, InexactNumber } from '../exact-json.ts';
import { isStorable, KeyName, PlainText } from '../plain-text.ts';
import { Moment } from '../time-schemas.ts';

/** Older events are refused, and stored ones are deleted. */
export const EVENTS_KEPT_DAYS = 400;

export const EventName = KeyName(100);

export const PropertyValue = z.union(
  [PlainText(LIMITS.attributeValue).or(z.literal('')), z.number(), z.boolean(), z.null()],
  {
    error: ({ input }) =>
      input instanceof InexactNumber
        ? INEXACT_NUMBER
        : `must be text of at most ${LIMITS.attributeValue} characters, a number, true, false or null`,
  },
);
const PropertyName = KeyName(LIMITS.attributeName);

export const Properties = z
  .record(PropertyName, PropertyValue)
  .refine(
    (all) => Object.keys(all).length <= LIMITS.attributes,
    `must have at most ${LIMITS.attributes} properties`,
  );

/** Properties that an event must have, each with exactly this value. */
export const EventFilter = z
  .record(
    PropertyName,
    z.union(
      [PlainText(LIMITS.attributeValue).or(z.literal('')), z.number(), z.boolean()],
      'must be text, a number, true or false',
    ),
  )
  .refine(
    (all) => Object.keys(all).length <= LIMITS.attributes,
    `must have at most ${LIMITS.attributes} properties`,
  )
  .meta({ id: 'EventFilter' });
export type EventFilter = z.infer<typeof EventFilter>;

const ExternalId = z.string().regex(EXTERNAL_ID, EXTERNAL_ID_RULE);

/** An event of a user. A repeated report has the same `id` and changes nothing. */
export const EventInput = z
  .strictObject({
    id: z.string().regex(/^[\x21-\x7e]{1,100}$/, 'must be 1 to 100 visible ASCII characters'),
    name: EventName,
    at: Moment,
    properties: Properties.optional(),
    /** The user of an event reported with a person's key. Otherwise `deviceId`. */
    userId: ExternalId.optional(),
    deviceId: ExternalId.optional(),
  })
  .refine((event) => isStorable(event.properties ?? {}), {
    message: 'must not contain NUL or an unpaired surrogate',
    path: ['properties'],
  })
  .meta({ id: 'EventInput' });
export type EventInput = z.infer<typeof EventInput>;
