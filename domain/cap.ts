import { z } from 'zod';

/** What a task's messages are: caps and quiet hours may be for one of them. */
export const MESSAGE_CLASSES = ['marketing', 'transactional'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** Longer windows would keep the contact log for longer, too. */
export const MAX_WINDOW_HOURS = 31 * 24;

/** At most so many messages in so long. */
export const Cap = z
  .strictObject({
    max: z.int().min(1).max(1000),
    /** The last hours, or the day so far in the device's time zone. */
    window: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('rolling'), hours: z.int().min(1).max(MAX_WINDOW_HOURS) }),
      z.strictObject({ kind: z.literal('day') }),
    ]),
    /** A user with several devices counts once; a vendor's day limit is per device. */
    per: z.enum(['user', 'device']).default('user'),
    /** Only messages through this channel count, and only they are held to it. All when left out. */
    channel: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,29}$/)
      .optional(),
    /** Only messages of this class count, and only they are held to it. Both when left out. */
    class: z.enum(MESSAGE_CLASSES).optional(),
  })
  .meta({ id: 'Cap' });
export type Cap = z.infer<typeof Cap>;

const LocalTime = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day, as in 22:00');

/** In the device's time zone, else the app's. From 22:00 to 08:00 goes over midnight. */
export const QuietHours = z
  .strictObject({
    from: LocalTime,
    to: LocalTime,
    /** Of both classes when left out. */
    class: z.enum(MESSAGE_CLASSES).optional(),
  })
  .refine(({ from, to }) => from !== to, 'must not begin when they end')
  .meta({ id: 'QuietHours' });
export type QuietHours = z.infer<typeof QuietHours>;

export const ContactRules = z
  .strictObject({
    caps: z.array(Cap).max(10).default([]),
    quietHours: QuietHours.nullable().default(null),
  })
  .meta({ id: 'ContactRules' });
export type ContactRules = z.infer<typeof ContactRules>;

/** How a task stands to the rules. */
export const CapUse = z.enum(['apply', 'ignore_and_count', 'ignore']);
export type CapUse = z.infer<typeof CapUse>;

/** The reason of those whom a cap keeps out: vendors limit devices, apps limit users. */
export function reasonOf({ per }: Cap): 'frequency_cap' | 'channel_quota' {
  return per === 'user' ? 'frequency_cap' : 'channel_quota';
}
