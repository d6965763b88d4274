import { expect, test } from 'vitest';
import { createUnwritten } from './unwritten.ts';

test('all leases together have no more unwritten than the limit', () => {
  const unwritten = createUnwritten(100);
  expect(unwritten.take(64)).toBe(64);
  expect(unwritten.take(36)).toBe(36);
  expect(unwritten.take(1)).toBe(0);
  unwritten.free(70);
  expect(unwritten.take(128)).toBe(70);
});

test('a claim of a few is given only to who wants no more', () => {
  const unwritten = createUnwritten(100);
  unwritten.take(90);
  expect(unwritten.take(64)).toBe(0);
  expect(unwritten.take(10)).toBe(10);
  expect(unwritten.take(0)).toBe(0);
});
