import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../dev/stack/temporal.ts';

const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Datetime: SearchAttributeType.DATETIME,
  Int: SearchAttributeType.INT,
} as const;

/** A server whose time skips ahead. One for each test: after a failed test a shared one hangs. */
export function createTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = inject('temporalTestServer');
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
}

/** The development server in memory, with the search attributes, for what the time-skipping server lacks. */
export function createLocal(): Promise<TestWorkflowEnvironment> {
  const searchAttributes = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) =>
    defineSearchAttributeKey(name, TYPES[type]),
  );
  const executable = { type: 'existing-path', path: inject('temporalCli') } as const;
  return TestWorkflowEnvironment.createLocal({ server: { executable, searchAttributes } });
}

/** The `workflowBundle` option of `Worker.create`. */
export function workflowBundle(): { codePath: string } {
  return { codePath: inject('workflowBundle') };
}
