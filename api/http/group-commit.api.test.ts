import { expect, test } from 'vitest';
import { createGroupCommit } from './group-commit.ts';

interface Item {
  readonly app: string;
  readonly size: number;
}

/** A group commit whose writes wait for `open`, and the groups that it has begun to write. */
function gated(options: { concurrency: number; capacity?: { maxSize: number; refuse: () => Error } }) {
  const gate = Promise.withResolvers<void>();
  const groups: { sizes: number[]; lane: number }[] = [];
  const commit = createGroupCommit<Item, number>({
    ...options,
    maxGroupSize: 10,
    sizeOf: ({ size }) => size,
    keyOf: ({ app }) => app,
    write: async (items, lane) => {
      groups.push({ sizes: items.map(({ size }) => size), lane });
      await gate.promise;
      if (items.some(({ app }) => app === 'broken')) throw new Error('not written');
      return items.map(({ size }) => size);
    },
  });
  return { commit, groups, open: gate.resolve };
}

test('items that arrive during a write share the next one, by key and up to the size of a group', async () => {
  const { commit, groups, open } = gated({ concurrency: 1 });
  const items = [
    { app: 'a', size: 1 },
    { app: 'a', size: 4 },
    { app: 'b', size: 2 },
    { app: 'a', size: 5 },
    { app: 'a', size: 6 },
    { app: 'b', size: 99 },
  ];
  const results = items.map(commit);
  expect(groups.map(({ sizes }) => sizes)).toEqual([[1]]);
  open();
  expect(await Promise.all(results)).toEqual([1, 4, 2, 5, 6, 99]);
  expect(groups.map(({ sizes }) => sizes)).toEqual([[1], [4, 5], [2], [6], [99]]);
});

test('groups that are written at the same time have different lanes', async () => {
  const { commit, groups, open } = gated({ concurrency: 2 });
  const results = [1, 2, 3].map((size) => commit({ app: 'a', size }));
  expect(groups.map(({ lane }) => lane).toSorted()).toEqual([0, 1]);
  open();
  expect(await Promise.all(results)).toEqual([1, 2, 3]);
});

test('a group that fails rejects its own items only', async () => {
  const { commit, open } = gated({ concurrency: 1 });
  const results = ['broken', 'a'].map((app) => commit({ app, size: 1 }));
  open();
  expect((await Promise.allSettled(results)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('items beyond the capacity are refused until a group is written', async () => {
  const { commit, open } = gated({
    concurrency: 1,
    capacity: { maxSize: 3, refuse: () => new Error('full') },
  });
  const results = [1, 2].map((size) => commit({ app: 'a', size }));
  expect(() => commit({ app: 'a', size: 1 })).toThrow('full');
  open();
  await Promise.all(results);
  expect(await commit({ app: 'a', size: 1 })).toBe(1);
});
