import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { PUSH_STATUSES, TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { Warning } from './task-checks.ts';
import type { CommandAnswer } from './task-command.ts';

/** The state of a task after an action. `pending` means accepted, but not carried out yet. */
export const ActionAnswer = z
  .object({
    taskId: z.string(),
    status: z.enum(TASK_STATUSES),
    statusReason: z.string().nullable(),
    revision: z.int(),
    /** The persons who have approved the revision so far. */
    approvals: z.array(z.string()),
    pushes: z.array(
      z.object({
        id: z.string(),
        status: z.enum(PUSH_STATUSES),
        reason: z.string().nullable(),
        /** Requests written and unanswered when the last pause was acknowledged. */
        inFlight: z.int(),
      }),
    ),
    /** What the task will do and when, after submit and approve. */
    warnings: z.array(Warning),
    pending: z.boolean(),
    detail: z.string().optional(),
  })
  .meta({ id: 'ActionAnswer' });
export type ActionAnswer = z.infer<typeof ActionAnswer>;

/** Answers 200 with the workflow's own view, or 202 with the last state in Postgres. */
export function sendActionAnswer(
  reply: FastifyReply,
  task: TaskWithDefinition,
  answer: CommandAnswer,
  warnings: readonly Warning[] = [],
): FastifyReply {
  return reply.code(answer.pending ? 202 : 200).send({ ...bodyOf(task, answer), warnings });
}

function bodyOf(task: TaskWithDefinition, answer: CommandAnswer): Omit<ActionAnswer, 'warnings'> {
  if (answer.pending) {
    const { id: taskId, status, statusReason, revision } = task;
    const { pending, detail } = answer;
    return { taskId, status, statusReason, revision, approvals: [], pushes: [], pending, detail };
  }
  const { taskId, status, reason, revision, approvals, pushes } = answer.view;
  return {
    taskId,
    status,
    revision,
    statusReason: reason,
    approvals: [...approvals],
    pushes: pushes.map((push) => ({ ...push })),
    pending: false,
  };
}
