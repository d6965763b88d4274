import { beforeEach, expect, test, vi } from 'vitest';
import { createNotifier } from './notifier.ts';

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

/** Whether a wait ends before any time passes. */
async function endsAtOnce(wait: Promise<void>): Promise<boolean> {
  let hasEnded = false;
  void wait.then(() => {
    hasEnded = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return hasEnded;
}

test('a wait ends at the next notification', async () => {
  const notifier = createNotifier();
  const wait = notifier.wait(1_000);
  expect(await endsAtOnce(wait)).toBe(false);
  notifier.notify();
  expect(await endsAtOnce(wait)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('a wait ends when its time is up', async () => {
  const wait = createNotifier().wait(1_000);
  await vi.advanceTimersByTimeAsync(999);
  expect(await endsAtOnce(wait)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await endsAtOnce(wait)).toBe(true);
});

test('notifications that nobody waited for end the next wait, and only that one', async () => {
  const notifier = createNotifier();
  notifier.notify();
  notifier.notify();
  expect(await endsAtOnce(notifier.wait(1_000))).toBe(true);
  expect(await endsAtOnce(notifier.wait(1_000))).toBe(false);
});
