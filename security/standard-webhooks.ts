/**
 * The signing format of Standard Webhooks, in both directions. The product signs its requests to webhook
 * endpoints, and verifies requests of vendors.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const VERSION = 'v1';
/** The difference between the clocks of sender and receiver that the specification's libraries allow. */
const TOLERANCE_MS = 5 * 60_000;
/** The most signatures of one request that are checked. */
const MAX_SIGNATURES = 10;

export interface SignedRequest {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: string;
  /** `v1,<base64>`, several with spaces between them. */
  readonly signatures: string;
  readonly body: Buffer;
}

export function newWebhookSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The headers of a request, with one signature for each secret that is valid now, the newest first. */
export function signWebhook(
  secrets: readonly string[],
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const sign = (secret: string) => {
    const signature = signatureOf(secret, { id, timestamp, body: Buffer.from(body) });
    return `${VERSION},${signature.toString('base64')}`;
  };
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map(sign).join(' '),
  };
}

/** Whether one of the request's signatures was made with this secret, and the request's time is near. */
export function verifyWebhook(secret: string, request: SignedRequest, now: Date): boolean {
  const { timestamp, signatures } = request;
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > TOLERANCE_MS) return false;
  const expected = signatureOf(secret, request);
  return signatures
    .split(' ')
    .slice(0, MAX_SIGNATURES)
    .some((signature) => {
      const [version, text = ''] = signature.split(',');
      const given = Buffer.from(text, 'base64');
      return version === VERSION && given.length === expected.length && timingSafeEqual(given, expected);
    });
}

function signatureOf(
  secret: string,
  { id, timestamp, body }: Pick<SignedRequest, 'id' | 'timestamp' | 'body'>,
): Buffer {
  return createHmac('sha256', Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
}
