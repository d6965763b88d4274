import { expect, test } from 'vitest';
import { ignoredKey } from './aps-schema.ts';

test.each([
  [{ alert: { title: 't', body: 'b' }, badge: 0, sound: 'default', 'mutable-content': 1 }, undefined],
  [{ alert: 't', sound: { critical: 1, name: 'default', volume: 0.5 } }, undefined],
  [{ 'interruption-level': 'passive', 'relevance-score': 1, 'thread-id': 't', category: 'c' }, undefined],
  [{ interruptionLevel: 'passive' }, 'interruptionLevel'],
  [{ 'interruption-level': 'loud' }, 'interruption-level'],
  [{ 'relevance-score': 2 }, 'relevance-score'],
  [{ badge: '1' }, 'badge'],
  [{ badge: -1 }, 'badge'],
  [{ sound: null }, 'sound'],
  [{ alert: { titel: 't' } }, 'alert'],
  [{ 'mutable-content': true }, 'mutable-content'],
])('of %j iOS ignores %s', (aps, ignored) => {
  expect(ignoredKey(aps)).toBe(ignored);
});
