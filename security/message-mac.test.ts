import { expect, test } from 'vitest';
import { createMac } from './message-mac.ts';

test('each purpose has a key of its own', () => {
  const signingKey = Buffer.alloc(32, 7);
  const message = Buffer.alloc(64, 1);
  const tags = (['message-id', 'approval'] as const).map((purpose) =>
    Buffer.from(createMac(signingKey, purpose)(message)).subarray(0, 16).toString('hex'),
  );
  expect(new Set(tags).size).toBe(2);
});
