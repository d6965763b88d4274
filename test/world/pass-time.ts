import { setTimeout as delay } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

/** Longer than any skip takes, also on a machine busy with other tests. */
const STUCK_MS = 10_000;

/** Skips to a time. Releases the lock on its time that the test server sometimes keeps after a pause. */
export async function passTime(environment: TestWorkflowEnvironment, to: number): Promise<void> {
  const passed = environment.sleep(Math.max(1, to - (await environment.currentTimeMs())));
  const stuck = new AbortController();
  const isStuck = delay(STUCK_MS, true, { signal: stuck.signal }).catch(() => false);
  if (await Promise.race([passed.then(() => false), isStuck])) {
    await environment.connection.testService?.unlockTimeSkipping({});
  }
  await passed;
  stuck.abort();
}
