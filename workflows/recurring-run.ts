import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { localTimeOf } from '../domain/local-time.ts';
import type { RecurringRunInput } from './contract.ts';
import { RUN_SIGNAL, type RunDue } from './push-contract.ts';

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/** A Schedule can only start workflows: this one tells the task and ends, so that no push keeps the next one waiting. */
export async function recurringRun({ taskId, revision, zone }: RecurringRunInput): Promise<void> {
  const info = workflowInfo();
  const at = (info.typedSearchAttributes.get(SCHEDULED_AT) ?? info.startTime).getTime();
  const due: RunDue = { at, local: localTimeOf(at, zone), revision };
  try {
    await getExternalWorkflowHandle(taskId).signal(RUN_SIGNAL, due);
  } catch {
    log.info('the task has ended; nobody is told', { taskId });
  }
}
