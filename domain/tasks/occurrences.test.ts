import { describe, expect, test } from 'vitest';
import {
  afterOccurrences,
  endCheckAt,
  neededSchedule,
  onEndChecked,
  onMissed,
  onOccurrence,
  withOccurrences,
} from './occurrences.ts';
import type { Plan } from './plan.ts';
import { onPushReport, onPushStarted } from './push-events.ts';
import { decide } from './task-reducer.ts';
import { initialState, type TaskState } from './task-state.ts';
import type { PushStatus } from './task-status.ts';

const HOUR = 3_600_000;
const by = { by: 'person-d000000000' };

function approved(change: Partial<Plan> = {}): TaskState {
  const plan: Plan = {
    revision: 1,
    pushType: 'recurring',
    pushAt: null,
    approvalsRequired: 1,
    channel: 'push',
    latePolicy: { action: 'skip', afterMinutes: 60 },
    recurrence: { endAt: null, count: null },
    ...change,
  };
  const state = withOccurrences(initialState(plan, 1), 0);
  const decision = decide(state, { name: 'approve', approver: 'person-a000000000', revision: 1 }, { now: 0 });
  if (!decision.ok) throw new Error(decision.reason);
  return decision.state;
}

function take(state: TaskState, at: number, local = String(at), now = at): TaskState {
  const verdict = onOccurrence(state, { at, local }, now);
  if (verdict.kind === 'ignored') throw new Error(verdict.reason);
  return verdict.state;
}

function report(state: TaskState, pushId: string, status: PushStatus): TaskState {
  return onPushReport(state, { pushId, status, reason: null, inFlight: 0, obeyed: 1 });
}

test('a task is sending during pushes, scheduled between them, and collecting after the last', () => {
  let state = take(approved({ recurrence: { endAt: null, count: 2 } }), HOUR);
  expect(state).toMatchObject({ status: 'sending', wantedPushes: 1 });
  state = report(onPushStarted(state, 'a'), 'a', 'collecting');
  expect(state.status).toBe('scheduled');
  state = onPushStarted(take(state, 2 * HOUR), 'b');
  expect(neededSchedule(state)).toBe('none');
  expect(report(state, 'a', 'completed').status).toBe('sending');
  state = report(state, 'b', 'collecting');
  expect(state.status).toBe('collecting');
  state = report(report(state, 'b', 'completed'), 'a', 'completed');
  expect(state.status).toBe('completed');
});

describe('an occurrence', () => {
  test('that is signalled twice starts one push', () => {
    const state = take(approved(), HOUR);
    expect(onOccurrence(state, { at: HOUR, local: 'x' }, HOUR).kind).toBe('ignored');
  });

  test('whose time the clocks show twice starts one push', () => {
    const state = take(approved(), HOUR, '2027-10-31T02:30');
    expect(onOccurrence(state, { at: 2 * HOUR, local: '2027-10-31T02:30' }, 2 * HOUR).kind).toBe('ignored');
  });

  test('that is too late is skipped once', () => {
    const verdict = onOccurrence(approved(), { at: HOUR, local: 'x' }, 2 * HOUR + 1);
    expect(verdict).toMatchObject({ kind: 'skipped', state: { status: 'scheduled', wantedPushes: 0 } });
  });

  test('that comes while the task is paused is found at the resume', () => {
    const paused = decide(approved(), { name: 'pause', ...by }, { now: 0 });
    if (!paused.ok) throw new Error(paused.reason);
    expect(neededSchedule(paused.state)).toBe('paused 1');
    expect(onOccurrence(paused.state, { at: HOUR, local: 'x' }, HOUR).kind).toBe('ignored');
    const resumed = decide(paused.state, { name: 'resume', ...by }, { now: HOUR });
    if (!resumed.ok) throw new Error(resumed.reason);
    expect(resumed.state.occurrences?.lastAt).toBe(0);
  });
});

describe('missed occurrences', () => {
  const missed = { count: 3, last: { at: 3 * HOUR, local: 'x' } };

  test('the last is pushed unless it is too late', () => {
    expect(onMissed(approved(), missed, 3.5 * HOUR)).toMatchObject({
      skipped: 2,
      state: { wantedPushes: 1 },
    });
  });

  test('all are skipped when the last is too late', () => {
    expect(onMissed(approved(), missed, 5 * HOUR)).toMatchObject({ skipped: 3, state: { wantedPushes: 0 } });
  });

  test('the last is pushed at any time when the late policy is send', () => {
    const state = approved({ latePolicy: { action: 'send' } });
    expect(onMissed(state, missed, 500 * HOUR)).toMatchObject({ skipped: 2, state: { wantedPushes: 1 } });
  });
});

test('after the end the Schedule is checked until no occurrence can come, and the task completes', () => {
  const state = approved({ recurrence: { endAt: HOUR, count: null } });
  const checkAt = endCheckAt(state) ?? 0;
  expect(checkAt).toBeGreaterThan(HOUR);
  const later = onEndChecked(state, true, checkAt);
  expect(endCheckAt(later)).toBeGreaterThan(checkAt);
  const over = onEndChecked(later, false, checkAt);
  expect(over).toMatchObject({ status: 'completed', reason: 'no push came due' });
  expect(neededSchedule(over)).toBe('none');
  expect(afterOccurrences(over)).toBe(over);
});

test('after an edit nothing is due until the approval', () => {
  const plan = { ...approved().plan, revision: 2 };
  const decision = decide(
    take(approved(), HOUR),
    { name: 'revise', ...by, revision: 2 },
    { now: HOUR, plan },
  );
  expect(decision.ok).toBe(false);
  const edited = decide(approved(), { name: 'revise', ...by, revision: 2 }, { now: 5 * HOUR, plan });
  if (!edited.ok) throw new Error(edited.reason);
  expect(neededSchedule(edited.state)).toBe('none');
  expect(edited.state.occurrences?.lastAt).toBe(5 * HOUR);
});
