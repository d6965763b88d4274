import { expect, test } from 'vitest';
import { forecastOf } from './forecast.ts';
import { TaskDefinition, type TaskDefinitionPatch } from './task-definition.ts';
import { withoutPassedTime } from './timing-check.ts';

const now = Date.parse('2026-11-30T10:00:00Z');
const task = (more: TaskDefinitionPatch) =>
  TaskDefinition.parse({
    audience: { id: 'audience-0123456789', version: 1 },
    pushType: 'single',
    content: { title: 't', body: 'b' },
    ...more,
  });
const outlook = { now, appZone: 'Europe/Berlin', isApproved: false, devices: 3002 };

test.each([
  [{}, 'sends_at_once', 'Once it is approved, the push is sent at once to about 3,002 devices'],
  [
    { pushAt: '2026-11-30T18:30:00+08:00' },
    'sends_at',
    'Once it is approved, the push is sent at 2026-11-30T10:30:00Z to about 3,002 devices',
  ],
  [
    { pushAt: '2026-11-30T09:59:00Z' },
    'push_time_passed',
    'The push time 2026-11-30T09:59:00Z has passed. Once it is approved, the push is sent at once to about 3,002 devices',
  ],
  [
    { local: { at: '2026-12-01T09:00', past: 'skip' } },
    'sends_at',
    'Once it is approved, the push is sent when it is 2026-12-01T09:00 where the device is, first at 2026-11-30T19:00:00Z, to about 3,002 devices',
  ],
  [
    { pushType: 'manual' },
    'sends_on_command',
    'Once it is approved, the task sends at each send, each time to about 3,002 devices',
  ],
  [
    { pushType: 'recurring', recurrence: { rule: { every: 'day', at: '09:00' }, timeZone: 'Europe/Berlin' } },
    'sends_repeatedly',
    'Once it is approved, the task sends at each occurrence, first at 2026-12-01T08:00:00Z, each time to about 3,002 devices',
  ],
] as const)('%j: %s', (more, code, detail) => {
  expect(forecastOf(task(more as TaskDefinitionPatch), outlook)).toEqual({ code, detail });
});

test('an approved task is spoken of without the condition, and without a count where there is none', () => {
  const { detail } = forecastOf(task({}), { ...outlook, isApproved: true, devices: undefined });
  expect(detail).toBe('The push is sent at once to the devices of its audience');
  expect(forecastOf(task({}), { ...outlook, devices: 1 }).detail).toContain('about 1 device');
});

test('a time that has passed is left out of a copy, and only such a time', () => {
  const late = withoutPassedTime(task({ pushAt: '2026-11-30T09:59:00Z' }), now);
  expect(late.definition.pushAt).toBeUndefined();
  expect(late.passed).toMatchObject({ detail: 'The push time 2026-11-30T09:59:00Z has passed' });
  const local = withoutPassedTime(task({ local: { at: '2026-11-28T09:00', past: 'skip' } }), now);
  expect([local.definition.local, local.passed?.pointer]).toEqual([undefined, '/local/at']);
  for (const more of [
    {},
    { pushAt: '2026-11-30T10:01:00Z' },
    { local: { at: '2026-11-30T09:00', past: 'skip' } },
  ]) {
    const kept = task(more as TaskDefinitionPatch);
    expect(withoutPassedTime(kept, now)).toEqual({ definition: kept, passed: undefined });
  }
});
