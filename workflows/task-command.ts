import { condition, patched } from '@temporalio/workflow';
import type { Command } from '../domain/commands.ts';
import { personOf } from '../domain/commands.ts';
import type { Plan } from '../domain/plan.ts';
import { decide, refusalOfCommand } from '../domain/task-reducer.ts';
import { isAtRest } from '../domain/task-status.ts';
import { bulk, quick } from './activities.ts';
import { lookUps } from './look-ups.ts';
import { changeState, isObeyed } from './task-change.ts';
import { audit, type TaskRun } from './task-run.ts';

type Way = 'api' | 'signal';

/** Carries the command out, or returns why not. Resolves when it holds: recorded, and obeyed by the pushes. */
export async function takeCommand(run: TaskRun, command: Command, way: Way): Promise<string | undefined> {
  const refusal = refusalOfCommand(run.state, command);
  if (refusal !== undefined) return refusal;
  const facts = await lookUp(run, command);
  if (!facts.ok) return facts.reason;
  // The look-up took time: what was allowed before it may not be any more.
  const decision = decide(run.state, command, { now: Date.now(), ...facts.plan });
  if (!decision.ok) return decision.reason;
  record(run, command, facts.via ?? way);
  changeState(run, decision.state);
  if (command.name === 'approve') await freezeAudience(run);
  if (command.name === 'setRate') {
    const { ratePerSecond } = command;
    await quick('set the rate').applyRate({ taskId: run.input.taskId, ratePerSecond });
  }
  const { version } = run;
  await condition(() => run.recordedVersion >= version && (isObeyed(run) || hasMoved(run, command)));
  return undefined;
}

/** A push that starts meanwhile waits for the copy, or makes it. */
async function freezeAudience({ state, input }: TaskRun): Promise<void> {
  const { audienceAt, revision } = state.plan;
  if (audienceAt !== 'approval' || state.approvedRevision !== revision || !patched('freeze-audience')) return;
  await bulk('freeze the audience').freezeAudience({ taskId: input.taskId, revision });
}

type Facts =
  | { readonly ok: true; readonly via?: string; readonly plan?: { readonly plan: Plan } }
  | { readonly ok: false; readonly reason: string };

async function lookUp(run: TaskRun, command: Command): Promise<Facts> {
  const { taskId, submission, by } = run.input;
  if (command.name === 'approve' || command.name === 'reject') {
    const { approver, revision, code } = command;
    const claim = { taskId, submission, revision, approver, submittedBy: by, code: code ?? null };
    return await lookUps(run, 'check the approver').checkApprover(claim);
  }
  if (command.name !== 'revise') return { ok: true };
  const plan = await lookUps(run, 'load the plan').loadPlan({ taskId, revision: command.revision });
  return plan === null ? { ok: true } : { ok: true, plan: { plan } };
}

function record(run: TaskRun, command: Command, via: string): void {
  const detail = detailOf(command);
  const remark = 'remark' in command ? (command.remark ?? null) : null;
  const origin = command.origin === undefined ? {} : { origin: command.origin };
  audit(run, {
    verb: command.name,
    via,
    person: personOf(command),
    outcome: 'done',
    detail,
    remark,
    ...origin,
  });
}

function detailOf(command: Command): string | null {
  if (command.name === 'reject') return command.reason ?? null;
  if (command.name === 'approve') return command.comment ?? null;
  if (command.name === 'setRate') return `${command.ratePerSecond ?? 'no'} per second`;
  return null;
}

/** Somebody wants something else by now; only a pause and a cancel wait for the pushes. */
function hasMoved({ state }: TaskRun, command: Command): boolean {
  if (command.name === 'pause') return state.status !== 'paused';
  if (command.name === 'cancel' || command.name === 'delete') return !isAtRest(state.status);
  return true;
}
