/** Why a planned device is not matched. */
export const LOSS_REASONS = [
  'unknown_device',
  'unknown_user',
  'duplicate_device',
  'no_token',
  'invalid_token',
  'unsubscribed',
  'other_platform',
] as const;
export type LossReason = (typeof LOSS_REASONS)[number];

/** Why a matched device is not sent to, by the task's own wish. */
<<<<<<< HEAD
export const SUPPRESSION_REASONS = ['excluded', 'not_last_active', 'zone_passed'] as const;
=======
export const SUPPRESSION_REASONS = ['excluded', 'not_last_active', 'missing_variable'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];
>>>>>>> 9c1402c64af67a05cce01b3ccb888f9e7dabb011

/** Why a matched device was not sent to, although nothing suppressed it. */
export const NOT_SENT_REASONS = ['cancelled', 'failed', 'skipped', 'window_closed'] as const;
export type NotSentReason = (typeof NOT_SENT_REASONS)[number];
