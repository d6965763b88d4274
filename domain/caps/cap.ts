import { z } from 'zod';
import { TimeOfDay } from '../time-schemas.ts';

/** What a task's messages are: caps and quiet hours may be for one of them. */
export const MESSAGE_CLASSES = ['marketing', 'transactional'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** Longer windows would keep the contact log for longer, too. */
export const MAX_WINDOW_HOURS = 31 * 24;

/** Messages of one user or device. */
const MAX_OF_ONE = 1000;

/** At most so many messages in so long. */
export const Cap = z
  .strictObject({
    max: z.int().min(1).max(1_000_000_000),
    /** The last hours, or the day so far in the device's time zone; per app the day in the app's. */
    window: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('rolling'), hours: z.int().min(1).max(MAX_WINDOW_HOURS) }),
      z.strictObject({ kind: z.literal('day') }),
    ]),
    /** A user with several devices counts once; a vendor's day limit is per device, or over all devices of the app. */
    per: z.enum(['user', 'device', 'app']).default('user'),
    /** Only messages through this channel count, and only they are held to it. All when left out. */
    channel: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,29}$/)
      .optional(),
    /** Only messages of this class count, and only they are held to it. Both when left out. */
    class: z.enum(MESSAGE_CLASSES).optional(),
  })
  .superRefine(({ per, max, window, channel }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (per !== 'app') {
      if (max > MAX_OF_ONE) fault('max', `must be at most ${MAX_OF_ONE} per ${per}`);
      return;
    }
    if (window.kind !== 'day') fault('window', 'must be of the kind day when per is app');
    if (channel === undefined) fault('channel', 'is required when per is app');
  })
  .meta({ id: 'Cap' });
export type Cap = z.infer<typeof Cap>;

/** In the device's time zone, else the app's. From 22:00 to 08:00 goes over midnight. */
export const QuietHours = z
  .strictObject({
    from: TimeOfDay,
    to: TimeOfDay,
    /** Of those who are in them: nothing is sent, or it is sent when they end. */
    action: z.enum(['drop', 'hold']).default('drop'),
    /** Of both classes when left out. */
    class: z.enum(MESSAGE_CLASSES).optional(),
  })
  .refine(({ from, to }) => from !== to, 'from and to must differ')
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

/** The same for quiet hours: `drop` and `hold` say what this task does in them. */
export const QuietUse = z.enum(['apply', 'drop', 'hold', 'ignore']);
export type QuietUse = z.infer<typeof QuietUse>;

/** The reason of those whom a cap keeps out: vendors limit devices, apps limit users. */
export function reasonOf({ per }: Cap): 'frequency_cap' | 'channel_quota' {
  return per === 'user' ? 'frequency_cap' : 'channel_quota';
}
