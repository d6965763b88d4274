import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { isInDueWeek } from '../domain/schedule/weeks.ts';
import { localTimeOf } from '../domain/time/local-time.ts';
import { type DueOccurrence, OCCURRENCE_SIGNAL, type OccurrenceInput } from '../domain/workflows/contract.ts';

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/**
 * A Schedule can only start workflows. This workflow signals the task and ends, so that no push delays the
 * next one.
 */
export async function occurrence({ taskId, revision, zone, weeks }: OccurrenceInput): Promise<void> {
  const info = workflowInfo();
  const at = (info.typedSearchAttributes.get(SCHEDULED_AT) ?? info.startTime).getTime();
  const local = localTimeOf(at, zone);
  if (weeks !== undefined && !isInDueWeek(weeks, local.slice(0, 10), zone)) return;
  const due: DueOccurrence = { at, local, revision };
  try {
    await getExternalWorkflowHandle(taskId).signal(OCCURRENCE_SIGNAL, due);
  } catch {
    log.info('the occurrence was dropped: the task has ended', { taskId });
  }
}
