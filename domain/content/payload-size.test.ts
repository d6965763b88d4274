import { expect, test } from 'vitest';
import { Content } from './content.ts';
import { MAX_PAYLOAD_BYTES, payloadBytes } from './payload-size.ts';

test('the size counts bytes, not characters', () => {
  const latin = Content.parse({ title: 'Sale', body: 'a'.repeat(1200) });
  const chinese = Content.parse({ title: 'Sale', body: '促'.repeat(1200) });
  expect(payloadBytes(latin)).toBeLessThan(MAX_PAYLOAD_BYTES);
  expect(payloadBytes(chinese) - payloadBytes(latin)).toBe(2400);
});

test('the longest Latin text fits, the longest Chinese text does not', () => {
  expect(payloadBytes(Content.parse({ title: 't', body: 'a'.repeat(2000) }))).toBeLessThan(MAX_PAYLOAD_BYTES);
  expect(payloadBytes(Content.parse({ title: 't', body: '促'.repeat(2000) }))).toBeGreaterThan(
    MAX_PAYLOAD_BYTES,
  );
});
