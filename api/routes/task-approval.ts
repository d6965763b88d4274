import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { insertRemark } from '../../db/task-history.ts';
import { findApprover } from '../../db/task-state.ts';
import type { TaskWithDefinition } from '../../db/tasks.ts';
import { approvalCode, type CodeWay } from '../../domain/approval-code.ts';
import { newId } from '../../domain/ids.ts';
import { PlainText } from '../../domain/plain-text.ts';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { originOf } from '../origin.ts';
import { Problem, problemResponses } from '../problem.ts';
import { executeCommand } from '../task-command.ts';
import { IdParams, taskFor } from '../task-lookup.ts';
import { sendVerbAnswer, VerbAnswer } from '../verb-answer.ts';

const Revision = z.int().positive();
const Words = PlainText(500);
const Approve = z.strictObject({ revision: Revision, comment: Words.optional() }).meta({ id: 'Approve' });
const Reject = z.strictObject({ revision: Revision, reason: Words }).meta({ id: 'Reject' });
const ApprovalCode = z
  .object({
    revision: z.int(),
    code: z.string(),
    /** The same approval by Temporal's own CLI. */
    command: z.string(),
  })
  .meta({ id: 'ApprovalCode' });

const answers = { 200: VerbAnswer, 202: VerbAnswer, ...problemResponses(404, 409, 422) };

export async function taskApprovalRoutes(app: App, deps: ApiDeps): Promise<void> {
  const decide = (operationId: string) => ({
    onRequest: app.guard.may('tasks.decide'),
    ...idempotent(deps),
    schema: { operationId, tags: ['tasks'], ...PERSON, params: IdParams, response: answers },
  });

  const approve = decide('approveTask');
  app.post(
    '/v1/tasks/:id/approve',
    { ...approve, schema: { ...approve.schema, body: Approve } },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'approve');
      const { revision, comment } = request.body;
      const payload = await decisionOf(deps, task, personOf(request).personId, revision, comment);
      const key = request.idempotency?.key;
      const origin = originOf(request, await deps.clock());
      const command = { name: 'approve', payload, key, origin } as const;
      return sendVerbAnswer(reply, task, await executeCommand(deps, task, command));
    },
  );

  const reject = decide('rejectTask');
  app.post(
    '/v1/tasks/:id/reject',
    { ...reject, schema: { ...reject.schema, body: Reject } },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'reject');
      const { revision, reason } = request.body;
      const payload = await decisionOf(deps, task, personOf(request).personId, revision, reason);
      const key = request.idempotency?.key;
      const origin = originOf(request, await deps.clock());
      const command = { name: 'reject', payload, key, origin } as const;
      return sendVerbAnswer(reply, task, await executeCommand(deps, task, command));
    },
  );

  app.get(
    '/v1/tasks/:id/approval-code',
    {
      onRequest: app.guard.may('tasks.decide'),
      schema: {
        operationId: 'getApprovalCode',
        tags: ['tasks'],
        ...PERSON,
        params: IdParams,
        response: { 200: ApprovalCode, ...problemResponses(404, 409) },
      },
    },
    async (request) => {
      const task = await taskFor(deps, request, 'approve');
      const approver = personOf(request).personId;
      await checkMaySignal(deps, task, approver);
      const { revision } = task;
      const code = codeFor(deps, 'signal', task, { approver, revision });
      const input = JSON.stringify({ approver, revision, code });
      const command = `temporal workflow signal --workflow-id ${task.id} --name approve --input '${input}'`;
      return { revision, code, command };
    },
  );
}

/** Free text goes into a table, and only its ID into the workflow. */
async function decisionOf(
  deps: ApiDeps,
  task: TaskWithDefinition,
  approver: string,
  revision: number,
  text: string | undefined,
) {
  const code = codeFor(deps, 'api', task, { approver, revision });
  if (text === undefined) return { approver, revision, code };
  const remark = newId('remark', randomBytes);
  const now = await deps.clock();
  await insertRemark(deps.db, { id: remark, taskId: task.id, personId: approver, text, now });
  return { approver, revision, code, remark };
}

function codeFor(
  { approvalMac }: ApiDeps,
  way: CodeWay,
  { id: taskId, submission }: TaskWithDefinition,
  by: { approver: string; revision: number },
): string {
  return approvalCode(approvalMac, way, { taskId, submission, ...by });
}

async function checkMaySignal(deps: ApiDeps, task: TaskWithDefinition, personId: string): Promise<void> {
  const rules = await findApprover(deps.db, { taskId: task.id, personId, revision: task.revision });
  if (rules === undefined || rules.signal_approval === 'off') {
    throw new Problem('forbidden', 'This app does not take approvals by signal');
  }
  if (rules.made_by === personId && !rules.maker_may_approve) {
    throw new Problem('forbidden', 'Whoever made a revision does not approve it');
  }
}
