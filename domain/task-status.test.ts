import { expect, test } from 'vitest';
import { allowedActions, TASK_STATUSES } from './task-status.ts';

test('the table of statuses always offers copy, and send to manual tasks only', () => {
  for (const status of TASK_STATUSES) {
    for (const inPush of [true, false]) {
      expect(allowedActions({ status, pushType: 'single', inPush })).toContain('copy');
      expect(allowedActions({ status, pushType: 'single', inPush })).not.toContain('send');
    }
  }
});
