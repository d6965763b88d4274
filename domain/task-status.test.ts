import { expect, test } from 'vitest';
import { allowedVerbs, TASK_STATUSES } from './task-status.ts';

test('the table of statuses offers nothing that is not a verb, and always copy once approved', () => {
  for (const status of TASK_STATUSES) {
    for (const inPush of [true, false]) {
      expect(allowedVerbs({ status, pushType: 'single', inPush })).toContain('copy');
      expect(allowedVerbs({ status, pushType: 'single', inPush })).not.toContain('send');
    }
  }
});
