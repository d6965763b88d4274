import { log, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { pushIdOf } from '../domain/ids.ts';
import type { Plan } from '../domain/plan.ts';
import { onPushStarted } from '../domain/push-events.ts';
import { wantedOfPushes } from '../domain/task-state.ts';
import { closingOf } from '../domain/trigger-hour.ts';
import { quick } from './activities.ts';
import { push } from './push.ts';
import { obeyedAtStart, type PushInput } from './push-contract.ts';
import { changeState, hear } from './task-change.ts';
import type { TaskRun } from './task-run.ts';
import { attributesOf } from './task-visibility.ts';

/** Users join the push of their clock hour; whether one of them is too late is decided for each. */
function joining({ pushType }: Plan, hour: number): Partial<PushInput> {
  return pushType === 'trigger' ? { closesAt: closingOf(hour), latePolicy: { action: 'send' } } : {};
}

/** Starts one push that was asked for. What is wanted meanwhile is told to it as soon as it has started. */
export async function startWantedPush(run: TaskRun): Promise<void> {
  const { taskId, appId } = run.input;
  const { nextSeq: seq, plan } = run.state;
  const pushId = pushIdOf(taskId, seq);
  const dueAt = run.state.runs?.due[0] ?? plan.pushAt ?? Date.now();
  await quick(`create push ${seq}`).createPush({ pushId, taskId, seq, revision: plan.revision, dueAt });
  run.state = onPushStarted(run.state, pushId);
  const instruction = { no: 1, wanted: wantedOfPushes(run.state) };
  const { revision, latePolicy, isLocal } = plan;
  const input: PushInput = {
    pushId,
    taskId,
    appId,
    seq,
    revision,
    dueAt,
    latePolicy,
    instruction,
    ...(isLocal ? { isLocal } : {}),
    ...(run.input.edition === undefined ? {} : { edition: run.input.edition }),
    ...joining(plan, dueAt),
  };
  const child = await startChild(push, {
    workflowId: pushId,
    args: [input],
    // The push outlives its task: what was sent is counted to the end of its window.
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `push ${seq} of ${taskId}`,
    typedSearchAttributes: attributesOf(run),
  });
  run.instructed = [...run.instructed, { pushId, told: instruction, obeyed: obeyedAtStart(input) }];
  changeState(run, run.state);
  // A push reports its own end, unless it was terminated.
  child.result().catch(() => {
    log.warn('a push ended without a report', { pushId });
    hear(run, {
      pushId,
      status: 'failed',
      reason: 'the workflow of the push was ended by hand',
      inFlight: 0,
      obeyed: Number.MAX_SAFE_INTEGER,
    });
  });
}
