import { condition } from '@temporalio/workflow';
import type { Command } from '../../domain/tasks/commands.ts';
import { personOf } from '../../domain/tasks/commands.ts';
import type { Plan } from '../../domain/tasks/plan.ts';
import { decide, refusalOfCommand } from '../../domain/tasks/task-reducer.ts';
import { isAtRest } from '../../domain/tasks/task-status.ts';
import { bulk, local, quick } from '../activities.ts';
import { changeState, isObeyed } from './task-change.ts';
import { audit, type TaskWorkflowState } from './task-workflow-state.ts';

type Way = 'api' | 'signal';

/**
 * Carries the command out, or returns why not. Resolves when the change is recorded and the pushes carry it
 * out.
 */
export async function handleCommand(
  workflow: TaskWorkflowState,
  command: Command,
  way: Way,
): Promise<string | undefined> {
  const refusal = refusalOfCommand(workflow.state, command);
  if (refusal !== undefined) return refusal;
  const facts = await lookUpFacts(workflow, command);
  if (!facts.ok) return facts.reason;
  // The task may have changed during the look-up, so `decide` checks again.
  const decision = decide(workflow.state, command, { now: Date.now(), ...facts.plan });
  if (!decision.ok) return decision.reason;
  auditCommand(workflow, command, facts.via ?? way);
  changeState(workflow, decision.state);
  await carryOut(workflow, command);
  const { version } = workflow;
  await condition(
    () => workflow.recordedVersion >= version && (isObeyed(workflow) || isSuperseded(workflow, command)),
  );
  return undefined;
}

async function carryOut(workflow: TaskWorkflowState, command: Command): Promise<void> {
  if (command.name === 'approve') await freezeAudience(workflow);
  if (command.name === 'setRate') {
    const { ratePerSecond } = command;
    await quick('apply the rate limit').applyRate({ taskId: workflow.input.taskId, ratePerSecond });
  }
}

/** A push that starts during the copy waits for it, or makes it. */
async function freezeAudience({ state, input }: TaskWorkflowState): Promise<void> {
  const { audienceAt, revision } = state.plan;
  if (audienceAt !== 'approval' || state.approvedRevision !== revision) return;
  await bulk('freeze the audience').freezeAudience({ taskId: input.taskId, revision });
}

type Facts =
  | { readonly ok: true; readonly via?: string; readonly plan?: { readonly plan: Plan } }
  | { readonly ok: false; readonly reason: string };

async function lookUpFacts(workflow: TaskWorkflowState, command: Command): Promise<Facts> {
  const { taskId, submission, by } = workflow.input;
  if (command.name === 'approve' || command.name === 'reject') {
    const { approver, revision, code } = command;
    const claim = { taskId, submission, revision, approver, submittedBy: by, code: code ?? null };
    return await local('check the approver').checkApprover(claim);
  }
  if (command.name !== 'revise') return { ok: true };
  const plan = await local('load the plan').loadPlan({ taskId, revision: command.revision });
  return plan === null ? { ok: true } : { ok: true, plan: { plan } };
}

function auditCommand(workflow: TaskWorkflowState, command: Command, via: string): void {
  audit(workflow, {
    action: command.name,
    via,
    person: personOf(command),
    outcome: 'done',
    detail: detailOf(command),
    remark: 'remark' in command ? (command.remark ?? null) : null,
    ...(command.origin === undefined ? {} : { origin: command.origin }),
  });
}

function detailOf(command: Command): string | null {
  if (command.name === 'reject') return command.reason ?? null;
  if (command.name === 'approve') return command.comment ?? null;
  if (command.name === 'setRate') return `${command.ratePerSecond ?? 'no'} per second`;
  return null;
}

/** True when a later command wants something else. Only a pause and a cancel wait for the pushes. */
function isSuperseded({ state }: TaskWorkflowState, command: Command): boolean {
  if (command.name === 'pause') return state.status !== 'paused';
  if (command.name === 'cancel' || command.name === 'delete') return !isAtRest(state.status);
  return true;
}
