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

/** Why a matched device is not sent to, as the task or the app's rules ask. */
export const SUPPRESSION_REASONS = [
  'excluded',
  'not_last_active',
  'missing_variable',
  'frequency_cap',
  'channel_quota',
  'quiet_hours',
  'zone_passed',
] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** Why a matched device was not sent to, although nothing suppressed it. */
export const NOT_SENT_REASONS = ['cancelled', 'failed', 'skipped', 'window_closed'] as const;
export type NotSentReason = (typeof NOT_SENT_REASONS)[number];

/** Why a push paused: tokens seem to be of another environment. After a resume the rejections count. */
export const TOO_MANY_REJECTED = 'too many tokens were rejected: check the credentials';
const TOO_MANY_REFUSED = 'too many messages were refused by the push service';

/** Why a push paused: the push service named the credential as wrong. */
export function credentialRefused(code: string): string {
  return `credential refused by the push service: ${code}`;
}

/** Why a push paused: most messages got an answer that speaks of one message, so all may be at fault. */
export function tooManyRefused(code: string): string {
  return `${TOO_MANY_REFUSED}: ${code}`;
}

/** What a person has accepted by resuming the push: that tokens are bad, that single messages are refused. */
export interface Trust {
  readonly tokens: boolean;
  readonly messages: boolean;
}

export const NO_TRUST: Trust = { tokens: false, messages: false };

/** The trust after the resume of a push that paused for this reason. Each pause is accepted by itself. */
export function trustAfterResume({ tokens, messages }: Trust, reason: string | null): Trust {
  return {
    tokens: tokens || reason === TOO_MANY_REJECTED,
    messages: messages || reason?.startsWith(TOO_MANY_REFUSED) === true,
  };
}
