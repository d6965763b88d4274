import { z } from 'zod';
import { PlainText } from '../../domain/plain-text.ts';
import { ActionAnswer, sendActionAnswer } from '../action-answer.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { originOf } from '../origin.ts';
import { problemResponses } from '../problem.ts';
import { IdParams } from '../schemas.ts';
import { decideTask, mayDecide, signalCodeFor } from '../task-decision.ts';
import { taskFor } from '../task-lookup.ts';

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
    rejectCommand: z.string(),
  })
  .meta({ id: 'ApprovalCode' });

const answers = { 200: ActionAnswer, 202: ActionAnswer, ...problemResponses(404, 409, 422) };

export async function taskApprovalRoutes(app: App, deps: ApiDeps): Promise<void> {
  const decide = (operationId: string) => ({
    onRequest: mayDecide(app, deps),
    ...idempotent(deps),
    schema: { operationId, tags: ['tasks'], ...PERSON, params: IdParams, response: answers },
  });

  const approve = decide('approveTask');
  app.post(
    '/v1/tasks/:id/approve',
    { ...approve, schema: { ...approve.schema, body: Approve } },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'approve');
      const { revision, comment: text } = request.body;
      const answer = await decideTask(deps, task, {
        ...{ name: 'approve', revision, text, key: request.idempotency?.key },
        approver: personOf(request).personId,
        origin: originOf(request, await deps.clock()),
      });
      return sendActionAnswer(reply, task, answer);
    },
  );

  const reject = decide('rejectTask');
  app.post(
    '/v1/tasks/:id/reject',
    { ...reject, schema: { ...reject.schema, body: Reject } },
    async (request, reply) => {
      const task = await taskFor(deps, request, 'reject');
      const { revision, reason: text } = request.body;
      const answer = await decideTask(deps, task, {
        ...{ name: 'reject', revision, text, key: request.idempotency?.key },
        approver: personOf(request).personId,
        origin: originOf(request, await deps.clock()),
      });
      return sendActionAnswer(reply, task, answer);
    },
  );

  app.get(
    '/v1/tasks/:id/approval-code',
    {
      onRequest: mayDecide(app, deps),
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
      const code = await signalCodeFor(deps, task, approver);
      const { id, revision } = task;
      const signed = { approver, revision, code };
      return {
        revision,
        code,
        command: signalCommand(id, 'approve', signed),
        rejectCommand: signalCommand(id, 'reject', { ...signed, reason: 'why' }),
      };
    },
  );
}

function signalCommand(taskId: string, name: string, payload: object): string {
  return `temporal workflow signal --workflow-id ${taskId} --name ${name} --input '${JSON.stringify(payload)}'`;
}
