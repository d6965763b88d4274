import { expect, test } from 'vitest';
import { HashSet } from './hash.ts';
import { apnsToken, fcmToken, tokenFate } from './tokens.ts';

test('a hash set counts each text once, also while it grows', () => {
  const set = new HashSet();
  const texts = Array.from({ length: 200_000 }, (_, n) => `message-${n}`);
  expect(texts.filter((text) => set.add(text))).toHaveLength(200_000);
  expect(texts.filter((text) => set.add(text))).toHaveLength(0);
  expect(set.size).toBe(200_000);
  set.clear();
  expect([set.size, set.add('message-1')]).toEqual([0, true]);
});

test.each([apnsToken, fcmToken])('the fates of tokens follow the shares', (token) => {
  const shares = { shareUnregistered: 0.2, shareBadToken: 0.1 };
  const counts = { good: 0, unregistered: 0, bad: 0 };
  for (let n = 0; n < 20_000; n++) counts[tokenFate(token(n), shares)]++;
  expect(counts.unregistered / 20_000).toBeCloseTo(0.2, 1);
  expect(counts.bad / 20_000).toBeCloseTo(0.1, 1);
  expect(tokenFate(token(7), shares)).toBe(tokenFate(token(7), shares));
});
