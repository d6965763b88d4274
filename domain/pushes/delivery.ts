import type { Platform } from '../platform.ts';

/** The delivery's own status, stored as its index. */
export const DELIVERY_STATUSES = [
  /** Waiting, or in flight when the delivery number is below its lease's high-water mark. */
  'pending',
  /** Refused without being processed; a retry is due. */
  'retry',
  'accepted',
  'rejected',
  /** Written, and no answer came. */
  'ambiguous',
  'unreachable',
  'suppressed',
  'not_sent',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const STATUS_CODE = Object.fromEntries(
  DELIVERY_STATUSES.map((status, code) => [status, code]),
) as Readonly<Record<DeliveryStatus, number>>;

export const PLATFORM_CODE = { ios: 0, android: 1, web: 2 } as const satisfies Record<Platform, number>;

export const SEND_RESULTS = ['success', 'failure', 'no_feedback'] as const;
export type SendResult = (typeof SEND_RESULTS)[number];

/**
 * The result of a delivery that was sent. iOS has no "no feedback": an accepted delivery is a success, an
 * ambiguous one a failure until a receipt arrives. On other platforms only a receipt makes a success. Any
 * receipt implies delivery.
 */
export function sendResult(
  status: DeliveryStatus,
  platform: Platform,
  receipted: boolean,
): SendResult | undefined {
  if (status !== 'accepted' && status !== 'rejected' && status !== 'ambiguous') return undefined;
  if (receipted) return 'success';
  if (status === 'rejected') return 'failure';
  if (platform !== 'ios') return 'no_feedback';
  return status === 'accepted' ? 'success' : 'failure';
}
