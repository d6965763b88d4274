import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { insertOrigin, type Origin } from '../../db/audit/audit.ts';
import { findPlan, recordProjection } from '../../db/tasks/task-state.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { cutText, utf8Bytes } from '../../domain/graphemes.ts';
import type { Plan } from '../../domain/tasks/plan.ts';
import { shownOf, submitEvent, submittedState } from '../../domain/tasks/submission.ts';
import {
  OPERATION_TASK,
  type OperationTaskInput,
  TASK_QUEUE,
  type TaskView,
} from '../../domain/workflows/contract.ts';
import { SEARCH_KEYS } from '../../domain/workflows/search-attributes.ts';
import type { ApiDeps } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';

/** The memo key of the input. A later request that finds the workflow running reads the input there. */
const INPUT = 'input';

const SUMMARY_BYTES = 200;
/** The number and interval of start attempts while the workflow of the last submission closes. */
const ATTEMPTS = 5;
const RETRY_MS = 200;

/**
 * Starts the task's workflow, which owns the task from then on, and returns the task as of that start.
 * The returned view is the oldest version of the submission, so the workflow's own records take precedence.
 * A workflow that an interrupted earlier request started is adopted.
 */
export async function startTask(
  deps: ApiDeps,
  task: TaskWithDefinition,
  by: string,
  origin: Origin,
): Promise<TaskView> {
  const now = await deps.clock();
  const [plan] = await Promise.all([
    findPlan(deps.db, { taskId: task.id, revision: task.revision }),
    insertOrigin(deps.db, origin),
  ]);
  if (plan === undefined) throw notFound('task');
  const input: OperationTaskInput = {
    taskId: task.id,
    appId: task.appId,
    revision: task.revision,
    submission: task.submission + 1,
    by,
    origin: origin.id,
    at: now.getTime(),
  };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const begun = (await start(deps, task, input)) ? input : await startedBefore(deps, input);
    if (begun !== undefined) return await showSubmitted(deps, begun, plan);
    await delay(RETRY_MS);
  }
  throw new Problem('conflict', 'The workflow of the last submission is still closing: try again', {
    retryAfterSeconds: 1,
  });
}

async function showSubmitted(
  { db }: ApiDeps,
  { taskId, appId, submission, by, origin, at }: OperationTaskInput,
  plan: Plan,
): Promise<TaskView> {
  const shown = shownOf(submittedState(plan, 1, at));
  const { status, reason, revision } = shown;
  const events = [submitEvent(at, by, revision, origin)];
  await recordProjection(db, { taskId, appId, submission, version: 0, ...shown, events }, new Date(at));
  return { taskId, status, reason, revision, approvals: [], pushes: [], ignored: [] };
}

async function start(deps: ApiDeps, task: TaskWithDefinition, input: OperationTaskInput): Promise<boolean> {
  try {
    await deps.temporal.workflow.start(OPERATION_TASK, {
      workflowId: task.id,
      taskQueue: TASK_QUEUE,
      args: [input],
      memo: { [INPUT]: input },
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: cutText(task.name, SUMMARY_BYTES, utf8Bytes),
      typedSearchAttributes: attributesOf(task),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** The input by which an earlier request started this submission. Undefined when another one runs. */
async function startedBefore(
  { temporal }: ApiDeps,
  { taskId, submission }: OperationTaskInput,
): Promise<OperationTaskInput | undefined> {
  const { status, memo } = await temporal.workflow.getHandle(taskId).describe();
  const input = memo?.[INPUT] as OperationTaskInput | undefined;
  return status.name === 'RUNNING' && input?.submission === submission ? input : undefined;
}

function attributesOf(task: TaskWithDefinition): TypedSearchAttributes {
  const attributes = [
    { key: SEARCH_KEYS.taskStatus, value: 'pending_approval' },
    { key: SEARCH_KEYS.appId, value: task.appId },
    { key: SEARCH_KEYS.pushType, value: task.pushType },
    { key: SEARCH_KEYS.channel, value: task.channel },
    { key: SEARCH_KEYS.creator, value: task.creator },
  ];
  return new TypedSearchAttributes(
    task.pushAt === null ? attributes : [...attributes, { key: SEARCH_KEYS.pushAt, value: task.pushAt }],
  );
}
