import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { TestSendActivities } from '../activities/sending/test-send.ts';
import { SENDER_QUEUE } from '../domain/workflows/contract.ts';

const { sendTest } = proxyActivities<TestSendActivities>({
  summary: 'send a test to devices on the whitelist',
  taskQueue: SENDER_QUEUE,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '1s', maximumAttempts: 3 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** A test is not a push and has no deliveries, no receipt window and no statistics. */
export async function testSend(testSendId: string): Promise<void> {
  await sendTest(testSendId);
}
