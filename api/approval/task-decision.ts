import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { findApp } from '../../db/apps/apps.ts';
import type { Origin } from '../../db/audit/audit.ts';
import { insertRemark } from '../../db/tasks/task-history.ts';
import { findApprover, findSubmitter } from '../../db/tasks/task-state.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { newId } from '../../domain/ids.ts';
import { approvalCode, type CodeWay } from '../../domain/tasks/approval-code.ts';
import { refusalOfApprover } from '../../domain/tasks/approval-rules.ts';
import { personOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { type CommandAnswer, executeCommand } from '../tasks/task-command.ts';

export interface TaskDecision {
  readonly name: 'approve' | 'reject';
  readonly approver: string;
  readonly revision: number;
  /** The comment of an approval, or the reason for a rejection. */
  readonly text: string | undefined;
  readonly origin: Origin;
  readonly key: string | undefined;
}

/** A hook that refuses persons whose role does not approve in this app, before the body is read. */
export function requireApproverRole({ db }: ApiDeps) {
  return async (request: FastifyRequest): Promise<void> => {
    const { appId, role } = personOf(request);
    const found = await findApp(db, appId);
    if (found?.approverRoles.includes(role) === true) return;
    const roles = found?.approverRoles.join(' or ') ?? '';
    throw new Problem(
      'forbidden',
      `The role ${role} may not approve or reject tasks in this app; its approverRoles are: ${roles}`,
    );
  };
}

/** Free text is stored in a table. The workflow gets only the ID of the text. */
export async function decideTask(
  deps: ApiDeps,
  task: TaskWithDefinition,
  { name, approver, revision, text, origin, key }: TaskDecision,
): Promise<CommandAnswer> {
  const code = codeFor(deps, 'api', task, { approver, revision });
  const remark = text === undefined ? undefined : newId('remark', randomBytes);
  if (remark !== undefined && text !== undefined) {
    await insertRemark(deps.db, { id: remark, taskId: task.id, personId: approver, text, now: origin.at });
  }
  const payload = { approver, revision, code, ...(remark === undefined ? {} : { remark }) };
  return await executeCommand(deps, task, { name, payload, key, origin });
}

/** A code is given only to a person whose approval would be accepted. */
export async function signalCodeFor(
  deps: ApiDeps,
  task: TaskWithDefinition,
  approver: string,
): Promise<string> {
  const { id: taskId, submission, revision } = task;
  const rules = await findApprover(deps.db, { taskId, personId: approver, revision });
  if (rules === undefined || rules.signal_approval === 'off') {
    throw new Problem('forbidden', 'Approval by signal is disabled for this app');
  }
  const refusal = refusalOfApprover({
    approver,
    role: rules.role,
    approverRoles: rules.approver_roles,
    madeBy: rules.made_by,
    submittedBy: await findSubmitter(deps.db, { taskId, submission }),
    makerMayApprove: rules.maker_may_approve,
  });
  if (refusal !== undefined) throw new Problem('forbidden', `An approval code cannot be issued: ${refusal}`);
  return codeFor(deps, 'signal', task, { approver, revision });
}

function codeFor(
  { approvalMac }: ApiDeps,
  way: CodeWay,
  { id: taskId, submission }: TaskWithDefinition,
  by: { approver: string; revision: number },
): string {
  return approvalCode(approvalMac, way, { taskId, submission, ...by });
}
