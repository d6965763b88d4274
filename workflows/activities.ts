import {
  ActivityCancellationType,
  type ActivityInterfaceFor,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { SenderActivities } from '../activities/sending/send-lease.ts';
import { SENDER_QUEUE } from '../domain/workflows/contract.ts';

const retry = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;

/**
 * For statements of milliseconds. Retries have no limit, because Postgres comes back and a task keeps its
 * work.
 */
export function quick(summary: string): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>({
    summary,
    startToCloseTimeout: '20s',
    retry,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/**
 * A local activity needs no round trip through Temporal. A local activity suits only work that does no harm
 * when it is repeated, and that does not follow from an update: an update is not durable before its workflow
 * task ends, and may be lost and repeated.
 */
export function local(summary: string): ActivityInterfaceFor<Activities> {
  return proxyLocalActivities<Activities>({
    summary,
    startToCloseTimeout: '20s',
    retry,
    localRetryThreshold: '1s',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** Set-based work on all rows of a push. */
export function bulk(summary: string): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>({
    summary,
    startToCloseTimeout: '30m',
    heartbeatTimeout: '20s',
    retry,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/**
 * The workflow must know that a sender has stopped, so a cancel waits for it. The heartbeat timeout is short
 * enough to acknowledge a pause within 5 s when a sender has died.
 */
export function sender(summary: string): ActivityInterfaceFor<SenderActivities> {
  return proxyActivities<SenderActivities>({
    summary,
    taskQueue: SENDER_QUEUE,
    startToCloseTimeout: '1h',
    heartbeatTimeout: '3500ms',
    retry,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
