import type { Connection } from '@temporalio/client';
import { z } from 'zod';
import { PlainText } from '../../domain/plain-text.ts';
import { signalCommand, type TemporalPlace } from '../../domain/tasks/signal-command.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { IdParams } from '../http/schemas.ts';
import { ActionAnswer, sendActionAnswer } from '../tasks/action-answer.ts';
import { Warning } from '../tasks/task-checks.ts';
import { taskFor } from '../tasks/task-lookup.ts';
import { forecastWarnings } from '../tasks/task-submission.ts';
import { decideTask, requireApproverRole, signalCodeFor } from './task-decision.ts';

const Revision = z.int().positive();
const Words = PlainText(500);
const Approve = z.strictObject({ revision: Revision, comment: Words.optional() }).meta({ id: 'Approve' });
const Reject = z.strictObject({ revision: Revision, reason: Words }).meta({ id: 'Reject' });
const ApprovalCode = z
  .object({
    revision: z.int(),
    code: z.string(),
    /** The command that approves by Temporal's own CLI, the same in sh, PowerShell and cmd. */
    command: z.string(),
    /** The command that rejects, with the reason of the query. */
    rejectCommand: z.string(),
    /** What the task will do and when, once it is approved. */
    warnings: z.array(Warning),
  })
  .meta({ id: 'ApprovalCode' });

const tags = ['approval'] as const;
const response = { 200: ActionAnswer, 202: ActionAnswer };

export async function taskApprovalRoutes(app: App, deps: ApiDeps): Promise<void> {
  approveTaskRoute(app, deps);
  rejectTaskRoute(app, deps);
  getApprovalCodeRoute(app, deps);
}

function approveTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks/:id/approve',
    access: 'tasks.decide',
    onRequest: requireApproverRole(deps),
    audit: AUDIT_ACTIONS.approveTask,
    idempotent: true,
    schema: {
      operationId: 'approveTask',
      summary: 'Approve a revision of a task',
      example: { revision: 1, comment: 'Checked' },
      tags,
      params: IdParams,
      body: Approve,
      response,
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, 'approve');
      const { revision, comment: text } = request.body;
      const answer = await decideTask(deps, task, {
        name: 'approve',
        revision,
        text,
        key: request.idempotency?.key,
        approver: personOf(request).personId,
        origin: originOf(request, await deps.clock()),
      });
      const status = answer.pending ? task.status : answer.view.status;
      const warnings = await forecastWarnings(deps, task, { status, counted: true });
      return sendActionAnswer(reply, task, answer, warnings);
    },
  });
}

function rejectTaskRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/tasks/:id/reject',
    access: 'tasks.decide',
    onRequest: requireApproverRole(deps),
    audit: AUDIT_ACTIONS.rejectTask,
    idempotent: true,
    schema: {
      operationId: 'rejectTask',
      summary: 'Reject a revision of a task',
      example: { revision: 1, reason: 'The price is wrong' },
      tags,
      params: IdParams,
      body: Reject,
      response,
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const task = await taskFor(deps, request, 'reject');
      const { revision, reason: text } = request.body;
      const answer = await decideTask(deps, task, {
        name: 'reject',
        revision,
        text,
        key: request.idempotency?.key,
        approver: personOf(request).personId,
        origin: originOf(request, await deps.clock()),
      });
      return sendActionAnswer(reply, task, answer);
    },
  });
}

function getApprovalCodeRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/approval-code',
    access: 'tasks.decide',
    onRequest: requireApproverRole(deps),
    schema: {
      operationId: 'getApprovalCode',
      summary: 'Get the command that approves by signal',
      tags,
      params: IdParams,
      querystring: z.strictObject({
        reason: Words.default('Rejected by a signal').describe('The reason that `rejectCommand` gives'),
      }),
      response: { 200: ApprovalCode },
    },
    problems: [404, 409],
    handler: async (request) => {
      const task = await taskFor(deps, request, 'approve');
      const approver = personOf(request).personId;
      const code = await signalCodeFor(deps, task, approver);
      const { id: workflowId, revision, status } = task;
      const { reason } = request.query;
      const place = temporalOf(deps);
      const signed = { approver, revision, code };
      return {
        revision,
        code,
        command: signalCommand(place, { workflowId, name: 'approve', payload: signed }),
        rejectCommand: signalCommand(place, { workflowId, name: 'reject', payload: { ...signed, reason } }),
        warnings: await forecastWarnings(deps, task, { status, counted: true }),
      };
    },
  });
}

function temporalOf({ temporal: { connection, options } }: ApiDeps): TemporalPlace {
  const { address } = (connection as Connection).options;
  return { address, namespace: options.namespace };
}
