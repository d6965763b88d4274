import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';

/** A server whose time skips ahead. One for each test: after a failed test a shared one hangs. */
export async function createTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = inject('temporalTestServer');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, VALUE_TYPES[type]]),
  );
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
  return env;
}

/** The `workflowBundle` option of `Worker.create`. */
export function workflowBundle(): { codePath: string } {
  return { codePath: inject('workflowBundle') };
}
