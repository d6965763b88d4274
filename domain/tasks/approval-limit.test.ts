import { expect, test } from 'vitest';
import { approvalEndsAt, askForApproval } from './approval-limit.ts';
import type { Plan } from './plan.ts';
import { nextWake, onTime } from './push-events.ts';
import { decide } from './task-reducer.ts';
import { initialState, type TaskState } from './task-state.ts';

const HOUR = 3_600_000;
const approver = 'person-a000000000';
const plan: Plan = {
  revision: 1,
  pushType: 'single',
  pushAt: 10 * HOUR,
  latePolicy: { action: 'send' },
  approvalsRequired: 1,
  channel: 'push',
  approvalLimit: { ms: HOUR, onTimeout: 'expire' },
};
const asked = (change: Partial<Plan> = {}): TaskState =>
  askForApproval(initialState({ ...plan, ...change }, 1), 0);
const approve = (state: TaskState, now: number) => {
  const decision = decide(state, { name: 'approve', approver, revision: state.plan.revision }, { now });
  return decision.ok ? decision.state.status : decision.reason;
};

test('with `expire` the task ends at the limit, by the timer or by a late approval', () => {
  expect(nextWake(asked())).toBe(HOUR);
  expect(onTime(asked(), HOUR - 1)).toBeUndefined();
  expect(onTime(asked(), HOUR)).toMatchObject({
    status: 'expired',
    reason: 'no approval came within the time limit',
  });
  expect(approve(asked(), HOUR - 1)).toBe('scheduled');
  expect(approve(asked(), HOUR)).toBe('expired');
});

test('with `late_policy` only the late policy ends the task, not the limit', () => {
  const late = asked({ approvalLimit: { ms: HOUR, onTimeout: 'late_policy' } });
  expect(nextWake(late)).toBeUndefined();
  expect(approve(late, 20 * HOUR)).toBe('scheduled');
  const strict = asked({
    approvalLimit: { ms: HOUR, onTimeout: 'late_policy' },
    latePolicy: { action: 'skip', afterMinutes: 60 },
  });
  expect(approve(strict, 11 * HOUR)).toBe('scheduled');
  expect(approve(strict, 20 * HOUR)).toBe('expired');
});

test('the earlier of limit and late policy ends the wait', () => {
  const state = asked({ latePolicy: { action: 'skip', afterMinutes: 0 }, pushAt: HOUR / 2 });
  expect(nextWake(state)).toBe(HOUR / 2 + 1);
});

test('approval ends the limit, and an edit starts the whole limit again', () => {
  const scheduled = decide(asked(), { name: 'approve', approver, revision: 1 }, { now: 1 });
  if (!scheduled.ok) throw new Error(scheduled.reason);
  expect(approvalEndsAt(scheduled.state)).toBeUndefined();
  const facts = { now: 5 * HOUR, plan: { ...plan, revision: 2 } };
  const revised = decide(scheduled.state, { name: 'revise', by: approver, revision: 2 }, facts);
  if (!revised.ok) throw new Error(revised.reason);
  expect(approvalEndsAt(revised.state)).toBe(6 * HOUR);
});

test('without a limit the task does not expire', () => {
  const { approvalLimit: _, ...unlimited } = plan;
  const state = askForApproval(initialState(unlimited, 1), 0);
  expect(state).toEqual(initialState(unlimited, 1));
  expect(onTime(state, 1_000 * HOUR)).toBeUndefined();
});
