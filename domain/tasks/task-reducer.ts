import { isTooLate } from '../schedule/late-policy.ts';
import { askForApproval, isApprovalOver } from './approval-limit.ts';
import type { Command } from './commands.ts';
import { afterOccurrences, withOccurrences } from './occurrences.ts';
import type { Plan } from './plan.ts';
import { type ActivePush, isInPush, type TaskState } from './task-state.ts';
import { type Action, isAtRest, refusalOf } from './task-status.ts';

export type Decision =
  | { readonly ok: true; readonly state: TaskState }
  | { readonly ok: false; readonly reason: string };

/** Facts that were looked up before the command is decided. */
export interface Facts {
  /** Epoch milliseconds. */
  readonly now: number;
  /** The plan of the revision that `revise` names. */
  readonly plan?: Plan;
}

const ACTION_OF: Readonly<Record<Command['name'], Action>> = {
  approve: 'approve',
  reject: 'reject',
  withdraw: 'withdraw',
  send: 'send',
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  delete: 'delete',
  revise: 'edit',
  setRate: 'set_rate',
};

/** Why the command is refused now, or undefined. The workflow's validators call this without facts. */
export function refusalOfCommand(state: TaskState, command: Command): string | undefined {
  const context = { status: state.status, pushType: state.plan.pushType, inPush: isInPush(state) };
  const refusal = refusalOf(ACTION_OF[command.name], context);
  if (refusal !== undefined) return refusal;
  if (command.name === 'approve' || command.name === 'reject') return refusalOfDecision(state, command);
  if (command.name === 'revise' && command.revision <= state.plan.revision) {
    return `revision ${command.revision} is not newer than revision ${state.plan.revision}`;
  }
  if (command.name === 'send' && isRepeated(state, command.request)) return 'this send was already requested';
  return undefined;
}

/** The one place where a command changes a task. Pure; never throws. */
export function decide(state: TaskState, command: Command, facts: Facts): Decision {
  const reason = refusalOfCommand(state, command);
  if (reason !== undefined) return { ok: false, reason };
  switch (command.name) {
    case 'approve':
      return applied(approved(state, command.approver, facts.now));
    case 'reject':
      return applied({ ...state, status: 'rejected', reason: command.reason ?? null, approvals: [] });
    case 'withdraw':
      return applied({ ...state, status: 'draft', reason: null, approvals: [] });
    case 'send':
      return applied(sendRequested(state, command.request));
    case 'pause':
      return applied({ ...state, status: 'paused', reason: null });
    case 'resume':
      return applied(
        afterOccurrences({
          ...state,
          status: isInPush(state) ? 'sending' : 'scheduled',
          reason: null,
          pushes: state.pushes.map(resumed),
        }),
      );
    case 'cancel':
      return applied({ ...state, status: 'cancelled', reason: null, wantedPushes: 0 });
    case 'delete':
      // A task that sends no more keeps its status, and its pushes go on collecting receipts.
      if (isAtRest(state.status) || state.status === 'collecting')
        return applied({ ...state, archived: true });
      return applied({ ...state, status: 'cancelled', reason: 'deleted', wantedPushes: 0, archived: true });
    case 'setRate':
      return applied({ ...state, ratePerSecond: command.ratePerSecond });
    case 'revise':
      return facts.plan === undefined
        ? { ok: false, reason: `the task has no revision ${command.revision}` }
        : applied(askForApproval(revised(state, facts.plan, facts.now), facts.now));
  }
}

function applied(state: TaskState): Decision {
  return { ok: true, state };
}

function refusalOfDecision(
  state: TaskState,
  { approver, revision }: { approver: string; revision: number },
): string | undefined {
  if (revision !== state.plan.revision) {
    return `revision ${revision} cannot be decided; the current revision is ${state.plan.revision}`;
  }
  return state.approvals.includes(approver) ? 'this person has already approved this revision' : undefined;
}

function approved(state: TaskState, approver: string, now: number): TaskState {
  const { plan } = state;
  if (isTooLate(plan, plan.pushAt, now)) {
    return { ...state, status: 'expired', reason: 'the approval came too late for the push time' };
  }
  if (isApprovalOver(state, now)) {
    return { ...state, status: 'expired', reason: 'the approval came after the time limit' };
  }
  const approvals = [...state.approvals, approver];
  if (approvals.length < plan.approvalsRequired) return { ...state, approvals };
  return { ...state, approvals, status: state.onApproval, reason: null, approvedRevision: plan.revision };
}

/** A push reports when it pauses again, and not when it goes on. */
function resumed(push: ActivePush): ActivePush {
  return push.status === 'paused' ? { ...push, status: 'sending', reason: null, inFlight: 0 } : push;
}

const REMEMBERED_REQUESTS = 50;

function isRepeated(state: TaskState, request: string | undefined): boolean {
  return request !== undefined && state.sendRequests.includes(request);
}

function sendRequested(state: TaskState, request: string | undefined): TaskState {
  const sendRequests =
    request === undefined ? state.sendRequests : [...state.sendRequests, request].slice(-REMEMBERED_REQUESTS);
  return { ...state, status: 'sending', wantedPushes: state.wantedPushes + 1, sendRequests };
}

function revised(state: TaskState, plan: Plan, now: number): TaskState {
  return withOccurrences(
    {
      ...state,
      status: 'pending_approval',
      reason: null,
      plan,
      approvedRevision: null,
      approvals: [],
      onApproval: state.status === 'paused' ? 'paused' : 'scheduled',
    },
    now,
  );
}
