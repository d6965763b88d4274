import { z } from 'zod';
import { PlainText } from '../plain-text.ts';
import { CHANNELS, PLATFORMS } from '../platform.ts';

/** What a planned device came to: one of the send results, or where it stands aside of them. */
export const DEVICE_RESULTS = [
  'success',
  'failure',
  'no_feedback',
  'pending',
  'unreachable',
  'suppressed',
  'not_sent',
] as const;
export type DeviceResult = (typeof DEVICE_RESULTS)[number];

/** Chooses devices of one push; all of its conditions hold. */
export const DetailsFilter = z
  .strictObject({
    result: z.enum(DEVICE_RESULTS),
    /** Of a failure, a loss, a suppression, or of not being sent. */
    reason: PlainText(200),
    platform: z.enum(PLATFORMS),
    channel: z.enum(CHANNELS),
    /** Which message of the content, as statistics name it: its platform, and its locale if any. */
    variant: PlainText(60),
    /** Whether any receipt came. */
    delivered: z.boolean(),
    /** Delivered and not shown: the user switched notifications off. */
    blocked: z.boolean(),
    impression: z.boolean(),
    open: z.boolean(),
    dismissal: z.boolean(),
    /** Part of a device ID. */
    deviceId: PlainText(200),
  })
  .partial()
  .meta({ id: 'DetailsFilter' });
export type DetailsFilter = z.infer<typeof DetailsFilter>;
