import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesOf } from './task-changes.ts';

const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });

function at(value: unknown, path: string): unknown {
  const keys = path.split('/').slice(1);
  return keys.reduce<unknown>((inside, escaped) => {
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof inside === 'object' && inside !== null && Object.hasOwn(inside, key)
      ? (inside as Record<string, unknown>)[key]
      : undefined;
  }, value);
}

test('each change names a place where the two differ, with both values', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      for (const { path, old, new: next } of changesOf(from, to)) {
        expect([at(from, path), at(to, path)]).toEqual([old, next]);
        expect(old).not.toStrictEqual(next);
      }
    }),
  );
});

test('equal versions have no changes, and only equal versions', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      expect(changesOf(from, structuredClone(from))).toEqual([]);
      // Empty lists and objects inside differ only by their members.
      if (changesOf(from, to).length === 0) expect(Object.keys(from).sort()).toEqual(Object.keys(to).sort());
    }),
  );
});

test('the changes in the other direction are at the same places', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      const places = (changes: ReturnType<typeof changesOf>) => changes.map(({ path }) => path).sort();
      expect(places(changesOf(to, from))).toEqual(places(changesOf(from, to)));
    }),
  );
});

test('all fields but name, subgroup, sub-campaigns and rate are material', () => {
  const from = {
    name: 'A',
    subgroupId: null,
    ratePerSecond: 5,
    content: { title: 'x', buttons: [{ id: 'a' }] },
  };
  const to = {
    name: 'B',
    subgroupId: 's',
    ratePerSecond: 5,
    content: { title: 'x', buttons: [{ id: 'a' }, { id: 'b' }] },
  };
  expect(changesOf(from, to)).toEqual([
    { path: '/name', old: 'A', new: 'B', material: false },
    { path: '/subgroupId', old: null, new: 's', material: false },
    { path: '/content/buttons/1', new: { id: 'b' }, material: true },
  ]);
});
