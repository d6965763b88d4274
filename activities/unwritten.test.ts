import { expect, onTestFinished, test, vi } from 'vitest';
import { createUnwritten } from './unwritten.ts';

const nobody = () => undefined;

test('all leases together have no more unwritten than the limit', () => {
  const unwritten = createUnwritten(200);
  expect(unwritten.take(128, nobody)).toBe(128);
  expect(unwritten.take(72, nobody)).toBe(72);
  expect(unwritten.take(1, nobody)).toBe(0);
  unwritten.free(140);
  expect(unwritten.take(512, nobody)).toBe(140);
});

test('a claim of a few is given only to who wants no more', () => {
  const unwritten = createUnwritten(200);
  unwritten.take(180, nobody);
  expect(unwritten.take(128, nobody)).toBe(0);
  expect(unwritten.take(10, nobody)).toBe(10);
  expect(unwritten.take(0, nobody)).toBe(0);
});

test('who found no room is called once there is enough, in the order of asking', () => {
  const unwritten = createUnwritten(200);
  const called: string[] = [];
  unwritten.take(200, nobody);
  unwritten.take(128, () => called.push('first'));
  unwritten.take(128, () => called.push('second'));
  unwritten.free(100);
  expect(called).toEqual([]);
  unwritten.free(28);
  expect(called).toEqual(['first', 'second']);
  unwritten.free(72);
  expect(called).toEqual(['first', 'second']);
});

test('what was written and surely not processed counts again, beyond the limit, until it is settled', () => {
  const unwritten = createUnwritten(200);
  unwritten.take(200, nobody);
  const leavings = Array.from({ length: 200 }, () => unwritten.leaving());
  for (const leaving of leavings) leaving.left();
  expect(unwritten.take(128, nobody)).toBe(128);
  for (const leaving of leavings) leaving.returned();
  for (const leaving of leavings) leaving.returned();
  unwritten.free(128);
  expect(unwritten.take(1, nobody)).toBe(0);
  for (const leaving of leavings) leaving.left();
  expect(unwritten.take(512, nobody)).toBe(160);
});

test('while connections give some back fewer are claimed, because they come on top', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const unwritten = createUnwritten(200);
  unwritten.take(1, nobody);
  const leaving = unwritten.leaving();
  leaving.left();
  leaving.returned();
  leaving.left();
  expect(unwritten.take(512, nobody)).toBe(160);
  unwritten.free(160);
  vi.advanceTimersByTime(10_000);
  expect(unwritten.take(512, nobody)).toBe(200);
});
