import { z } from 'zod';
import { PlainText } from '../plain-text.ts';
import { CHANNELS, PLATFORMS } from '../platform.ts';

/** The result of a planned device: a send result, or the status of a delivery that was not sent. */
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

/** A choice of devices of one push. A chosen device meets all conditions. */
export const DeliveryFilter = z
  .strictObject({
    result: z.enum(DEVICE_RESULTS),
    /** The reason of a failure, a loss, a suppression or an unsent delivery. */
    reason: PlainText(200),
    platform: z.enum(PLATFORMS),
    channel: z.enum(CHANNELS),
    /** The name of the content's variant, as in statistics: platform, with the locale if there is one. */
    variant: PlainText(60),
    /** Whether any receipt came. */
    delivered: z.boolean(),
    /** Delivered and not shown, because the user turned notifications off. */
    blocked: z.boolean(),
    impression: z.boolean(),
    open: z.boolean(),
    dismissal: z.boolean(),
    /** Part of a device ID. */
    deviceId: PlainText(200),
  })
  .partial()
  .meta({ id: 'DeliveryFilter' });
export type DeliveryFilter = z.infer<typeof DeliveryFilter>;
