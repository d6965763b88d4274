import { z } from 'zod';
import { findTask } from '../../db/tasks/tasks.ts';
import { TASK_ID } from '../../domain/ids.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { originOf } from '../access/origin.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, PROBLEMS, Problem, type ProblemCode } from '../http/problem.ts';
import { toProblem } from '../http/problem-handler.ts';
import { refusalOfTask } from '../tasks/task-view.ts';
import { decideTask, requireApproverRole, type TaskDecision } from './task-decision.ts';

const MOST = 50;
const AT_A_TIME = 10;

const Chosen = z
  .array(z.strictObject({ taskId: z.string().max(100), revision: z.int().positive() }))
  .min(1)
  .max(MOST)
  .refine((items) => new Set(items.map(({ taskId }) => taskId)).size === items.length, {
    message: 'must name each task once',
  });
const Words = PlainText(500);
const ApproveMany = z.strictObject({ items: Chosen, comment: Words.optional() }).meta({ id: 'ApproveMany' });
const RejectMany = z.strictObject({ items: Chosen, reason: Words }).meta({ id: 'RejectMany' });
const Decided = z
  .object({
    taskId: z.string(),
    /** The HTTP status of the same request for this task alone. */
    httpStatus: z.int(),
    /** The status after the decision. Null when nothing was decided. */
    status: z.enum(TASK_STATUSES).nullable(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]).nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'DecidedTask' });
type Decided = z.infer<typeof Decided>;

const tags = ['approval'] as const;
const description = `Decides up to ${MOST} tasks, each on its own. The answer is 200 and lists the outcome of each task.`;
const response = { 200: z.object({ items: z.array(Decided) }) };

/** Tasks are decided one by one, so the refusal of one does not affect the others. */
export async function taskApprovalManyRoutes(app: App, deps: ApiDeps): Promise<void> {
  approveTasksRoute(app, deps);
  rejectTasksRoute(app, deps);
}

function common(deps: ApiDeps) {
  return {
    method: 'POST',
    access: 'tasks.decide',
    onRequest: requireApproverRole(deps),
    idempotent: true,
    problems: [409, 413, 415, 422],
  } as const;
}

function approveTasksRoute(app: App, deps: ApiDeps): void {
  route(app, {
    ...common(deps),
    path: '/v1/tasks/approve-many',
    audit: AUDIT_ACTIONS.approveTasks,
    schema: {
      operationId: 'approveTasks',
      summary: 'Approve several tasks',
      example: { items: [{ taskId: 'task-of-yours', revision: 1 }] },
      description,
      tags,
      body: ApproveMany,
      response,
    },
    handler: async (request) => {
      const { items, comment: text } = request.body;
      const decision = await decisionOf(deps, request, { name: 'approve', text });
      return { items: await inTurn(items, (item) => decideOne(deps, request, { ...decision, ...item })) };
    },
  });
}

function rejectTasksRoute(app: App, deps: ApiDeps): void {
  route(app, {
    ...common(deps),
    path: '/v1/tasks/reject-many',
    audit: AUDIT_ACTIONS.rejectTasks,
    schema: {
      operationId: 'rejectTasks',
      summary: 'Reject several tasks',
      example: { items: [{ taskId: 'task-of-yours', revision: 1 }], reason: 'The price is wrong' },
      description,
      tags,
      body: RejectMany,
      response,
    },
    handler: async (request) => {
      const { items, reason: text } = request.body;
      const decision = await decisionOf(deps, request, { name: 'reject', text });
      return { items: await inTurn(items, (item) => decideOne(deps, request, { ...decision, ...item })) };
    },
  });
}

type Request = Parameters<typeof toProblem>[1];

async function decisionOf(deps: ApiDeps, request: Request, what: Pick<TaskDecision, 'name' | 'text'>) {
  const origin = originOf(request, await deps.clock());
  return { ...what, approver: personOf(request).personId, origin, key: request.idempotency?.key };
}

async function decideOne(
  deps: ApiDeps,
  request: Request,
  { taskId, ...decision }: TaskDecision & { readonly taskId: string },
): Promise<Decided> {
  try {
    const { appId } = personOf(request);
    const task = TASK_ID.test(taskId) ? await findTask(deps.db, { appId, taskId }) : undefined;
    if (task === undefined) throw notFound('task');
    const refusal = refusalOfTask(task, decision.name);
    if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
    const answer = await decideTask(deps, task, decision);
    const done = { taskId, code: null };
    return answer.pending
      ? { ...done, httpStatus: 202, status: task.status, detail: answer.detail }
      : { ...done, httpStatus: 200, status: answer.view.status, detail: null };
  } catch (error) {
    const problem = toProblem(error, request);
    if (problem.status >= 500) request.log.error({ err: error, taskId }, problem.message);
    const { status: httpStatus, code, message: detail } = problem;
    return { taskId, httpStatus, status: null, code, detail };
  }
}

async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(i, i + AT_A_TIME).map(work))));
  }
  return results;
}
