import { expect, test } from 'vitest';
import { ACTIONS, allowedActions, PUSH_TYPES, TASK_STATUSES } from './task-status.ts';

const CONTEXTS = TASK_STATUSES.flatMap((status) =>
  PUSH_TYPES.flatMap((pushType) => [true, false].map((inPush) => ({ status, pushType, inPush }))),
);

test.each(
  CONTEXTS,
)('$status, $pushType, in a push: $inPush offers known actions, each once, and always copy', (task) => {
  const allowed = allowedActions(task);
  expect(ACTIONS).toEqual(expect.arrayContaining([...allowed]));
  expect(new Set(allowed).size).toBe(allowed.length);
  expect(allowed).toContain('copy');
});

test('send is offered only for a manual task that is scheduled or sending', () => {
  const offered = CONTEXTS.filter((task) => allowedActions(task).includes('send'));
  expect(new Set(offered.map(({ pushType }) => pushType))).toEqual(new Set(['manual']));
  expect(new Set(offered.map(({ status }) => status))).toEqual(new Set(['scheduled', 'sending']));
});
