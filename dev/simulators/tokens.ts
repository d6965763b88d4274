import { createHash } from 'node:crypto';
import { hash64 } from './hash.ts';

export interface BadShares {
  readonly shareUnregistered: number;
  readonly shareBadToken: number;
}

export type TokenFate = 'good' | 'unregistered' | 'bad';

/**
 * The answer of a simulator to a token depends on its hash alone, so that millions of tokens need no table.
 */
export function tokenFate(token: string, shares: BadShares): TokenFate {
  if (shares.shareUnregistered === 0 && shares.shareBadToken === 0) return 'good';
  const point = hash64(token).high / 2 ** 32;
  if (point < shares.shareUnregistered) return 'unregistered';
  return point < shares.shareUnregistered + shares.shareBadToken ? 'bad' : 'good';
}

/** The n-th well-formed APNs device token. */
export function apnsToken(n: number): string {
  return createHash('sha256').update(`apns ${n}`).digest('hex');
}

/** The n-th well-formed FCM registration token. */
export function fcmToken(n: number): string {
  const digest = createHash('sha512').update(`fcm ${n}`).digest('base64url');
  return `${digest.slice(0, 22)}:APA91b${digest.slice(22)}`;
}
