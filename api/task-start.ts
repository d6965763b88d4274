import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/common';
import { insertOrigin, type Origin } from '../db/audit.ts';
import { findTask, type TaskWithDefinition } from '../db/tasks.ts';
import {
  OPERATION_TASK,
  type OperationTaskInput,
  RECORDED_UPDATE,
  TASK_QUEUE,
  type TaskView,
} from '../workflows/contract.ts';
import type { ApiDeps } from './deps.ts';
import { Problem } from './problem.ts';
import { type CommandAnswer, isTimeout } from './task-command.ts';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const TASK_STATUS = keyword('TaskStatus');
const APP_ID = keyword('AppId');
const PUSH_TYPE = keyword('PushType');
const CHANNEL = keyword('Channel');
const CREATOR = keyword('Creator');
const PUSH_AT = defineSearchAttributeKey('PushAt', SearchAttributeType.DATETIME);

const RECORDED_MS = 5_000;
const SUMMARY_BYTES = 200;
/** How often, and how long apart, a start waits for the workflow of the last submission to close. */
const ATTEMPTS = 5;
const RETRY_MS = 200;

/**
 * Starts the task's workflow, which takes the task from the draft to pending approval. A start that an earlier
 * request made, and did not live to see recorded, is taken up.
 */
export async function startTask(
  deps: ApiDeps,
  task: TaskWithDefinition,
  by: string,
  origin: Origin,
): Promise<CommandAnswer> {
  await insertOrigin(deps.db, origin);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const isNew = await start(deps, task, by, origin.id);
    const answer = await awaitRecorded(deps, task.id);
    if (isNew || (await isRecorded(deps, task))) return answer;
    await delay(RETRY_MS);
  }
  throw new Problem('conflict', 'The last submission of this task is still ending; try again', {
    retryAfterSeconds: 1,
  });
}

async function start(deps: ApiDeps, task: TaskWithDefinition, by: string, origin: string): Promise<boolean> {
  const input: OperationTaskInput = {
    taskId: task.id,
    appId: task.appId,
    revision: task.revision,
    submission: task.submission + 1,
    by,
    origin,
  };
  try {
    await deps.temporal.workflow.start(OPERATION_TASK, {
      workflowId: task.id,
      taskQueue: TASK_QUEUE,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: truncate(task.name),
      typedSearchAttributes: attributesOf(task),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function awaitRecorded(deps: ApiDeps, taskId: string): Promise<CommandAnswer> {
  try {
    const view = await deps.temporal.withDeadline(Date.now() + RECORDED_MS, () =>
      deps.temporal.workflow.getHandle(taskId).executeUpdate<TaskView, []>(RECORDED_UPDATE, { args: [] }),
    );
    return { pending: false, view };
  } catch (error) {
    if (!isTimeout(error)) deps.log.warn({ err: error, taskId }, 'the submission ended before it answered');
    return { pending: true, detail: 'The task is submitted; no workflow worker has recorded it so far.' };
  }
}

/** Whether this submission, not the last one, is what the row shows. */
async function isRecorded(deps: ApiDeps, task: TaskWithDefinition): Promise<boolean> {
  const now = await findTask(deps.db, { appId: task.appId, taskId: task.id });
  return now !== undefined && now.submission > task.submission;
}

function attributesOf(task: TaskWithDefinition): TypedSearchAttributes {
  const attributes = [
    { key: TASK_STATUS, value: 'pending_approval' },
    { key: APP_ID, value: task.appId },
    { key: PUSH_TYPE, value: task.pushType },
    { key: CHANNEL, value: task.channel },
    { key: CREATOR, value: task.creator },
  ];
  return new TypedSearchAttributes(
    task.pushAt === null ? attributes : [...attributes, { key: PUSH_AT, value: task.pushAt }],
  );
}

/** Temporal's limit is in bytes; a character is not cut in two. */
function truncate(text: string): string {
  let shown = text;
  while (Buffer.byteLength(shown) > SUMMARY_BYTES) shown = [...shown].slice(0, -1).join('');
  return shown;
}
