import { createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../domain/duration.ts';

const PREFIX = 'whsec_';
const TOLERANCE_MS = 5 * MINUTE_MS;
const SIGNATURES = 10;

export interface SignedCallback {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: string;
  /** `v1,<base64>`, several with spaces between them. */
  readonly signatures: string;
  readonly body: Buffer;
}

/** @see https://www.standardwebhooks.com: vendors sign with any library of that specification. */
export function isSignedBy(secret: string, callback: SignedCallback, now: Date): boolean {
  const { id, timestamp, signatures, body } = callback;
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > TOLERANCE_MS) return false;
  const expected = createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
  return signatures
    .split(' ')
    .slice(0, SIGNATURES)
    .some((signature) => {
      const [version, text = ''] = signature.split(',');
      const given = Buffer.from(text, 'base64');
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
    });
}

export function newVendorSecret(random: (size: number) => Buffer): string {
  return `${PREFIX}${random(32).toString('base64')}`;
}
