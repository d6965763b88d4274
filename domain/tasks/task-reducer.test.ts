import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.ts';
import type { Plan } from './plan.ts';
import { nextWake, onPushReport, onPushStarted, onTime } from './push-events.ts';
import { decide, refusalOfCommand } from './task-reducer.ts';
import { initialState, isInPush, isUnderWay, type TaskState, wantedOfPushes } from './task-state.ts';
import { isAtRest, PUSH_STATUSES, PUSH_TYPES, TASK_STATUSES } from './task-status.ts';

const MINUTE = 60_000;
const APPROVERS = ['person-a000000000', 'person-b000000000', 'person-c000000000'];

function planOf(change: Partial<Plan> = {}): Plan {
  return {
    revision: 1,
    pushType: 'single',
    pushAt: 100 * MINUTE,
    latePolicy: { action: 'skip', afterMinutes: 60 },
    approvalsRequired: 1,
    channel: 'push',
    ...change,
  };
}

const plans = fc.record({
  revision: fc.constant(1),
  pushType: fc.constantFrom(...PUSH_TYPES),
  pushAt: fc.constant(100 * MINUTE),
  latePolicy: fc.constantFrom<Plan['latePolicy']>({ action: 'skip', afterMinutes: 60 }, { action: 'send' }),
  approvalsRequired: fc.integer({ min: 1, max: 3 }),
  channel: fc.constant('push'),
});

type Step =
  | { readonly kind: 'command'; readonly command: Command; readonly now: number }
  | { readonly kind: 'time'; readonly now: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'report'; readonly index: number; readonly status: (typeof PUSH_STATUSES)[number] };

const by = { by: 'person-d000000000' };
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    name: fc.constantFrom('approve' as const, 'reject' as const),
    approver: fc.constantFrom(...APPROVERS),
    revision: fc.integer({ min: 1, max: 3 }),
  }),
  fc
    .constantFrom(
      'withdraw' as const,
      'pause' as const,
      'resume' as const,
      'cancel' as const,
      'delete' as const,
    )
    .map((name) => ({ name, ...by })),
  fc.constantFrom('r1', 'r2', undefined).map((request) => ({ name: 'send' as const, ...by, request })),
  fc.integer({ min: 1, max: 4 }).map((revision) => ({ name: 'revise' as const, ...by, revision })),
  fc.constantFrom(null, 100).map((ratePerSecond) => ({ name: 'setRate' as const, ...by, ratePerSecond })),
);
const moments = fc.integer({ min: 0, max: 300 }).map((minutes) => minutes * MINUTE);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('command' as const), command: commands, now: moments }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), now: moments }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      index: fc.nat(3),
      status: fc.constantFrom(...PUSH_STATUSES),
    }),
  },
);

function take(state: TaskState, step: Step): TaskState {
  switch (step.kind) {
    case 'command': {
      const plan = { ...state.plan, revision: step.command.name === 'revise' ? step.command.revision : 1 };
      const decision = decide(state, step.command, { now: step.now, plan });
      return decision.ok ? decision.state : state;
    }
    case 'time':
      return onTime(state, step.now) ?? state;
    case 'start':
      return state.wantedPushes > 0 && state.status === 'sending'
        ? onPushStarted(state, `push-${state.nextSeq}`)
        : state;
    case 'report': {
      const push = state.pushes[step.index];
      if (push === undefined || !follows(push.status, step.status)) return state;
      return onPushReport(state, {
        pushId: push.id,
        status: step.status,
        reason: null,
        inFlight: 0,
        obeyed: 1,
      });
    }
  }
}

/** Whether a push may report `after` once it has reported `before`. */
function follows(before: string, after: string): boolean {
  if (before === 'collecting') return after === 'collecting' || after === 'completed';
  return true;
}

function faultsOf(state: TaskState): string[] {
  const faults: string[] = [];
  const { status, plan, pushes } = state;
  if (!TASK_STATUSES.includes(status)) faults.push(`status ${status}`);
  if (new Set(pushes.map((push) => push.id)).size !== pushes.length) faults.push('a push twice');
  const mayRun = ['sending', 'paused', 'cancelled', 'expired', 'failed', 'completed', 'collecting'].includes(
    status,
  );
  if (pushes.some(isUnderWay) && !mayRun) faults.push(`a push is under way while ${status}`);
  if (plan.pushType === 'single' && state.nextSeq > 2) faults.push('a single task pushed twice');
  const isApproved = ['scheduled', 'sending', 'paused', 'collecting', 'completed'].includes(status);
  if (isApproved && state.approvedRevision !== plan.revision) faults.push(`${status} without approval`);
  if (state.approvals.length > plan.approvalsRequired) faults.push('more approvals than asked for');
  if (new Set(state.approvals).size !== state.approvals.length) faults.push('one person approved twice');
  if (status === 'collecting' && plan.pushType === 'manual') faults.push('a manual task has no last push');
  return faults;
}

describe('any sequence of commands, reports and time', () => {
  test('reaches no illegal state', () => {
    fc.assert(
      fc.property(plans, fc.array(steps, { maxLength: 60 }), (plan, sequence) => {
        let state = initialState(plan, 1);
        for (const step of sequence) {
          // The workflow of the task ends here and takes no more steps.
          if (isAtRest(state.status) && !isInPush(state)) break;
          state = take(state, step);
          expect(faultsOf(state)).toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a command is refused with a reason exactly when it is not allowed', () => {
    fc.assert(
      fc.property(plans, fc.array(steps, { maxLength: 30 }), commands, (plan, sequence, command) => {
        const state = sequence.reduce(take, initialState(plan, 1));
        const refusal = refusalOfCommand(state, command);
        const decision = decide(state, command, { now: 0, plan: { ...plan, revision: 9 } });
        expect(decision.ok).toBe(refusal === undefined);
        if (!decision.ok) expect(decision.reason).not.toBe('');
      }),
    );
  });

  test('a paused task wants its pushes paused, a cancelled one wants them cancelled', () => {
    fc.assert(
      fc.property(plans, fc.array(steps, { maxLength: 30 }), (plan, sequence) => {
        const state = sequence.reduce(take, initialState(plan, 1));
        const wanted =
          { paused: 'pause', cancelled: 'cancel' }[state.status as 'paused' | 'cancelled'] ?? 'run';
        expect(wantedOfPushes(state)).toBe(wanted);
      }),
    );
  });
});

describe('approval', () => {
  const approve = (state: TaskState, approver: string, revision = 1, now = 0) =>
    decide(state, { name: 'approve', approver, revision }, { now });

  test('n approvals require n persons', () => {
    const state = initialState(planOf({ approvalsRequired: 2 }), 1);
    const first = approve(state, 'a');
    if (!first.ok) throw new Error(first.reason);
    expect(first.state.status).toBe('pending_approval');
    expect(approve(first.state, 'a')).toMatchObject({ ok: false });
    expect(approve(first.state, 'b')).toMatchObject({ ok: true, state: { status: 'scheduled' } });
  });

  test('is bound to the revision', () => {
    expect(approve(initialState(planOf({ revision: 2 }), 1), 'a', 1)).toMatchObject({
      ok: false,
      reason: 'revision 1 cannot be decided; the current revision is 2',
    });
  });

  test('expires the task when it comes later than the late policy allows', () => {
    const state = initialState(planOf(), 1);
    expect(approve(state, 'a', 1, 160 * MINUTE)).toMatchObject({ state: { status: 'scheduled' } });
    expect(approve(state, 'a', 1, 161 * MINUTE)).toMatchObject({ state: { status: 'expired' } });
    const patient = initialState(planOf({ latePolicy: { action: 'send' } }), 1);
    expect(approve(patient, 'a', 1, 9999 * MINUTE)).toMatchObject({ state: { status: 'scheduled' } });
  });

  test('returns an edited paused task to paused', () => {
    const scheduled = approve(initialState(planOf(), 1), 'a');
    if (!scheduled.ok) throw new Error(scheduled.reason);
    const paused = decide(scheduled.state, { name: 'pause', by: 'd' }, { now: 0 });
    if (!paused.ok) throw new Error(paused.reason);
    const plan = planOf({ revision: 2 });
    const revised = decide(paused.state, { name: 'revise', by: 'd', revision: 2 }, { now: 0, plan });
    if (!revised.ok) throw new Error(revised.reason);
    expect(revised.state).toMatchObject({ status: 'pending_approval', approvedRevision: null });
    expect(approve(revised.state, 'a', 2)).toMatchObject({
      state: { status: 'paused', approvedRevision: 2 },
    });
  });
});

describe('time', () => {
  test('a scheduled single task becomes due at its push time, and is missed after the late policy', () => {
    const scheduled = { ...initialState(planOf(), 1), status: 'scheduled' as const };
    expect(nextWake(scheduled)).toBe(100 * MINUTE);
    expect(onTime(scheduled, 99 * MINUTE)).toBeUndefined();
    expect(onTime(scheduled, 100 * MINUTE)).toMatchObject({ status: 'sending', wantedPushes: 1 });
    expect(onTime(scheduled, 161 * MINUTE)).toMatchObject({ status: 'expired' });
  });

  test('a wake-up always changes something', () => {
    fc.assert(
      fc.property(plans, fc.array(steps, { maxLength: 30 }), (plan, sequence) => {
        const state = sequence.reduce(take, initialState(plan, 1));
        const wake = nextWake(state);
        if (wake !== undefined && plan.pushType === 'single') expect(onTime(state, wake)).toBeDefined();
      }),
    );
  });
});

test.each([
  'collecting',
  'completed',
  'expired',
  'failed',
  'cancelled',
] as const)('a %s task that is deleted keeps its status', (status) => {
  const ended = { ...initialState(planOf(), 1), status, reason: 'as it was' };
  const deleted = decide(ended, { name: 'delete', by: 'd' }, { now: 0 });
  expect(deleted).toEqual({ ok: true, state: { ...ended, archived: true } });
});
