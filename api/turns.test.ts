import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { takeTurns } from './turns.ts';

test('work starts in order, two pieces at a time, and work that fails frees its place', async () => {
  const inTurn = takeTurns(2);
  const started: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const run = (name: string) =>
    inTurn(async () => {
      const gate = Promise.withResolvers<void>();
      gates.set(name, gate);
      started.push(name);
      await gate.promise;
    });
  const done = Promise.allSettled(['a', 'b', 'c', 'd'].map(run));
  await nextTick();
  expect(started).toEqual(['a', 'b']);
  gates.get('a')?.reject(new Error('a'));
  await nextTick();
  expect(started).toEqual(['a', 'b', 'c']);
  gates.get('c')?.resolve();
  await nextTick();
  expect(started).toEqual(['a', 'b', 'c', 'd']);
  gates.get('b')?.resolve();
  gates.get('d')?.resolve();
  expect((await done).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
});
