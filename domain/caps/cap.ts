import { z } from 'zod';
import { TimeOfDay } from '../time-schemas.ts';

/** The classes of messages. A cap or quiet hours can apply to one class only. */
export const MESSAGE_CLASSES = ['marketing', 'transactional'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

/** A longer window would also keep the contact log for longer. */
export const MAX_WINDOW_HOURS = 31 * 24;

/** The highest cap for one user or device. */
const MAX_OF_ONE = 1000;

/** A limit on the number of messages within a window. */
export const Cap = z
  .strictObject({
    max: z.int().min(1).max(1_000_000_000),
    /** The last hours, or the current day in the device's time zone (in the app's for a cap per app). */
    window: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('rolling'), hours: z.int().min(1).max(MAX_WINDOW_HOURS) }),
      z.strictObject({ kind: z.literal('day') }),
    ]),
    /** A user with several devices counts once. Daily limits of vendors are per device or per app. */
    per: z.enum(['user', 'device', 'app']).default('user'),
    /** The cap counts and limits only messages of this channel. All channels when left out. */
    channel: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,29}$/)
      .optional(),
    /** The cap counts and limits only messages of this class. Both classes when left out. */
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

/** Quiet hours in the device's time zone, else the app's. Hours from 22:00 to 08:00 include midnight. */
export const QuietHours = z
  .strictObject({
    from: TimeOfDay,
    to: TimeOfDay,
    /** `drop`: devices in quiet hours get nothing. `hold`: they get the message when the quiet hours end. */
    action: z.enum(['drop', 'hold']).default('drop'),
    /** Quiet hours for this class only. Both classes when left out. */
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

/** Whether the app's caps apply to a task, and whether its messages count. */
export const CapUse = z.enum(['apply', 'ignore_and_count', 'ignore']);
export type CapUse = z.infer<typeof CapUse>;

/** How a task treats quiet hours. `drop` and `hold` override the app's action. */
export const QuietUse = z.enum(['apply', 'drop', 'hold', 'ignore']);
export type QuietUse = z.infer<typeof QuietUse>;

/** The suppression reason of a cap. Vendors limit devices and apps, an app limits its users. */
export function reasonOf({ per }: Cap): 'frequency_cap' | 'channel_quota' {
  return per === 'user' ? 'frequency_cap' : 'channel_quota';
}
