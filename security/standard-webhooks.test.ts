import { describe, expect, test } from 'vitest';
import { newWebhookSecret, signWebhook, verifyWebhook } from './standard-webhooks.ts';

/** The example that the libraries of the specification are tested with. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = '1614265330';
const BODY = '{"test": 2432232314}';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const at = new Date(Number(TIMESTAMP) * 1_000);
const request = { id: ID, timestamp: TIMESTAMP, signatures: SIGNATURE, body: Buffer.from(BODY) };
const OTHER_SECRET = newWebhookSecret();

test('a message is signed as in the example of the specification', () => {
  expect(signWebhook([SECRET], { id: ID, at, body: BODY })).toEqual({
    'webhook-id': ID,
    'webhook-timestamp': TIMESTAMP,
    'webhook-signature': SIGNATURE,
  });
});

test('the example of the specification verifies', () => {
  expect(verifyWebhook(SECRET, request, at)).toBe(true);
});

test('while a secret is rotated, a message verifies with the new one and with the old one', () => {
  const headers = signWebhook([OTHER_SECRET, SECRET], { id: ID, at, body: BODY });
  const signatures = headers['webhook-signature'] ?? '';
  expect(signatures.split(' ')).toHaveLength(2);
  for (const secret of [OTHER_SECRET, SECRET]) {
    expect(verifyWebhook(secret, { ...request, signatures }, at)).toBe(true);
  }
  expect(verifyWebhook(newWebhookSecret(), { ...request, signatures }, at)).toBe(false);
});

describe('a request is refused', () => {
  test.each([
    ['with another ID', { id: 'msg_other' }],
    ['with another body', { body: Buffer.from(`${BODY} `) }],
    ['with another time', { timestamp: String(Number(TIMESTAMP) + 1) }],
    ['with a time that is not a number of seconds', { timestamp: '1e9' }],
    ['without a signature', { signatures: '' }],
    ['with a signature of another version', { signatures: SIGNATURE.replace('v1', 'v2') }],
    ['with a shortened signature', { signatures: SIGNATURE.slice(0, -8) }],
    ['with its signature behind ten others', { signatures: `${'v1,AAAA '.repeat(10)}${SIGNATURE}` }],
  ])('%s', (_, change) => {
    expect(verifyWebhook(SECRET, { ...request, ...change }, at)).toBe(false);
  });

  test.each([
    -300, 300,
  ])('a request is accepted %i seconds away, and refused one second further', (seconds) => {
    const away = (by: number) => new Date(at.getTime() + by * 1_000);
    expect(verifyWebhook(SECRET, request, away(seconds))).toBe(true);
    expect(verifyWebhook(SECRET, request, away(seconds + Math.sign(seconds)))).toBe(false);
  });
});
