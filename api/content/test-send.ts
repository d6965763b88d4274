import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { insertTestSend, listTestDevices, type NewTestSendFault } from '../../db/tasks/test-sends.ts';
import { checkContent } from '../../domain/content/content-check.ts';
import { newId } from '../../domain/ids.ts';
import { TASK_QUEUE, TEST_SEND } from '../../domain/workflows/contract.ts';
import { recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';

/** The limit of an app, over all its persons. */
export const TEST_SENDS_PER_HOUR = 30;
const ANSWER_MS = 10_000;

/** Stores a test of the task's content for test devices, and returns its ID. */
export async function createTestSend(
  deps: ApiDeps,
  request: FastifyRequest,
  { task, deviceIds: given }: { task: TaskWithDefinition; deviceIds: readonly string[] | undefined },
): Promise<string> {
  const { appId, id: taskId, revision } = task;
  const { personId } = personOf(request);
  const deviceIds = await chooseDevices(deps, appId, given);
  checkTaskContent(task);
  const now = await deps.clock();
  const id = newId('test', randomBytes);
  await deps.db.transaction().execute(async (trx) => {
    const send = { id, appId, taskId, revision, personId, deviceIds, now };
    const fault = await insertTestSend(trx, send, TEST_SENDS_PER_HOUR);
    if (fault !== undefined) throw refusalOfInsert(fault);
    const detail = `${deviceIds.length} devices`;
    await recordAuditEntry(trx, request, { taskId, revision, detail, now });
  });
  return id;
}

function checkTaskContent({ definition: { content, platforms } }: TaskWithDefinition): void {
  const errors = checkContent(content, platforms).map((fault) => ({
    ...fault,
    pointer: `/content${fault.pointer}`,
  }));
  if (errors.length > 0) throw new Problem('not_allowed_now', "The task's content is not valid", { errors });
}

function refusalOfInsert(fault: NewTestSendFault): Problem {
  return fault === 'app_stopped'
    ? new Problem('not_allowed_now', 'The app is stopped: nothing is sent')
    : tooMany();
}

function tooMany(): Problem {
  return new Problem(
    'rate_limited',
    `The app has reached its limit of ${TEST_SENDS_PER_HOUR} tests per hour: try again later`,
    {
      retryAfterSeconds: 3600,
    },
  );
}

/** The devices that the request names, or all test devices. */
async function chooseDevices(
  deps: ApiDeps,
  appId: string,
  given: readonly string[] | undefined,
): Promise<readonly string[]> {
  const listed = await listTestDevices(deps.db, appId);
  if (listed.length === 0) {
    throw new Problem(
      'not_allowed_now',
      'The app has no test devices: an approver sets them by PUT /v1/test-devices',
    );
  }
  const errors = (given ?? []).flatMap((id, index) =>
    listed.includes(id) ? [] : [{ pointer: `/deviceIds/${index}`, detail: 'is not one of the test devices' }],
  );
  if (errors.length > 0)
    throw new Problem('invalid_request', 'Tests are sent to test devices only', { errors });
  return given ?? listed;
}

/**
 * Starts the workflow of a test and waits a moment for its end. Returns false when the test did not end in
 * time. Devices without an outcome are then still open.
 */
export async function runTestSend(deps: ApiDeps, id: string): Promise<boolean> {
  const handle = await deps.temporal.workflow.start(TEST_SEND, {
    workflowId: id,
    taskQueue: TASK_QUEUE,
    args: [id],
  });
  try {
    await deps.temporal.withDeadline(Date.now() + ANSWER_MS, () => handle.result());
    return true;
  } catch (error) {
    deps.log.warn({ err: error, testSendId: id }, 'a test send has not finished in time');
    return false;
  }
}
