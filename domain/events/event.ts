import { z } from 'zod';
import { EXTERNAL_ID, LIMITS } from '../devices/device.ts';
import { isStorable, PlainText } from '../plain-text.ts';

/** Older events are refused, and stored ones are deleted. */
export const EVENTS_KEPT_DAYS = 400;

export const EVENT_NAME = /^[^\s\p{Cc}\p{Cs}](?:[^\p{Cc}\p{Cs}]{0,98}[^\s\p{Cc}\p{Cs}])?$/u;
export const EventName = z
  .string()
  .regex(
    EVENT_NAME,
    'must be 1 to 100 characters without control characters and without a space at either end',
  );

export const PropertyValue = z.union(
  [PlainText(LIMITS.attributeValue).or(z.literal('')), z.number(), z.boolean(), z.null()],
  'must be text, a number, true, false or null',
);

export const Properties = z
  .record(PlainText(LIMITS.attributeName), PropertyValue)
  .refine(
    (all) => Object.keys(all).length <= LIMITS.attributes,
    `must have at most ${LIMITS.attributes} properties`,
  );

/** Properties that an event must have, each with exactly this value. */
export const EventFilter = z
  .record(
    PlainText(LIMITS.attributeName),
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

const ExternalId = z.string().regex(EXTERNAL_ID, 'must be 1 to 200 characters without spaces');

/** An event of a user. A repeated report has the same `id` and changes nothing. */
export const EventInput = z
  .strictObject({
    id: z.string().regex(/^[\x21-\x7e]{1,100}$/, 'must be 1 to 100 visible ASCII characters'),
    name: EventName,
    at: z.iso.datetime({ offset: true }),
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
