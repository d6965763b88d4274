import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLimiter } from './limit-concurrency.ts';

test('work starts in order, within the limit, and work that fails frees its place', async () => {
  const limit = createLimiter(2);
  const log: string[] = [];
  let running = 0;
  const run = (name: string) =>
    limit(async () => {
      running += 1;
      log.push(`${name} ${running}`);
      await delay(10);
      running -= 1;
      if (name === 'a') throw new Error(name);
    });
  const done = await Promise.allSettled(['a', 'b', 'c', 'd'].map(run));
  expect(done.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(log.map((line) => line.slice(0, 1))).toEqual(['a', 'b', 'c', 'd']);
  expect(log.every((line) => Number(line.slice(2)) <= 2)).toBe(true);
});

test('a limiter that refuses rejects work beyond the limit, until a place is free', async () => {
  const limit = createLimiter(1, () => new Error('busy'));
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = limit(() => promise);
  await expect(limit(async () => 'second')).rejects.toThrow('busy');
  resolve('first');
  expect(await first).toBe('first');
  expect(await limit(async () => 'third')).toBe('third');
});
