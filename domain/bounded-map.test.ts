import { expect, test } from 'vitest';
import { createBoundedMap } from './bounded-map.ts';

test('a full map drops the entry that was set first', () => {
  const map = createBoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect(['a', 'b', 'c'].map(map.get)).toEqual([3, undefined, 4]);
});

test('deleted and cleared entries leave room', () => {
  const map = createBoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.delete('a');
  map.set('c', 3);
  expect(['a', 'b', 'c'].map(map.get)).toEqual([undefined, 2, 3]);
  map.clear();
  expect(map.get('b')).toBe(undefined);
});
