import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../dev/stack/temporal.ts';

const { IndexedValueType } = temporal.api.enums.v1;
const TYPES = {
  Keyword: { key: SearchAttributeType.KEYWORD, server: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD },
  Datetime: { key: SearchAttributeType.DATETIME, server: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME },
  Int: { key: SearchAttributeType.INT, server: IndexedValueType.INDEXED_VALUE_TYPE_INT },
} as const;

/** A server whose time skips ahead. One for each test: after a failed test a shared one hangs. */
export async function createTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = inject('temporalTestServer');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type].server]),
  );
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
  return env;
}

/**
 * The development server in memory, for what the time-skipping server lacks.
 * `suggestContinueAsNew`: after how many events of history it suggests to continue as new.
 */
export async function createLocal(suggestContinueAsNew?: number): Promise<TestWorkflowEnvironment> {
  const searchAttributes = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) =>
    defineSearchAttributeKey(name, TYPES[type].key),
  );
  const executable = { type: 'existing-path', path: inject('temporalCli') } as const;
  const limit = `limit.historyCount.suggestContinueAsNew=${suggestContinueAsNew}`;
  const extraArgs = suggestContinueAsNew === undefined ? [] : ['--dynamic-config-value', limit];
  return await TestWorkflowEnvironment.createLocal({ server: { executable, searchAttributes, extraArgs } });
}

/** The `workflowBundle` option of `Worker.create`. */
export function workflowBundle(): { codePath: string } {
  return { codePath: inject('workflowBundle') };
}
