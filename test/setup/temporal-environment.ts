import { setTimeout as delay } from 'node:timers/promises';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../domain/workflows/search-attributes.ts';

const { IndexedValueType } = temporal.api.enums.v1;
const TYPES = {
  Keyword: { key: SearchAttributeType.KEYWORD, server: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD },
  Datetime: { key: SearchAttributeType.DATETIME, server: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME },
  Int: { key: SearchAttributeType.INT, server: IndexedValueType.INDEXED_VALUE_TYPE_INT },
} as const;

/**
 * A server whose time skips ahead. Each test needs its own, because a shared one hangs after a failed test.
 */
export async function createTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = inject('temporalTestServer');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type].server]),
  );
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
  const { sleep } = env;
  env.sleep = (duration) => sleepDespiteKeptLocks(env, sleep(duration));
  return env;
}

/** Longer than any task or activity under way while a test lets time pass. */
const KEPT_LOCK_MS = 15_000;

/**
 * While a workflow or activity task is under way the server locks its time. Sometimes the server keeps such a
 * lock after the task (temporalio/sdk-java, issues 1138 and 2246), and its time would stand still: one lock
 * is released.
 */
async function sleepDespiteKeptLocks(env: TestWorkflowEnvironment, sleeping: Promise<void>): Promise<void> {
  const slept = sleeping.then(() => true);
  while (!(await Promise.race([slept, delay(KEPT_LOCK_MS, false, { ref: false })]))) {
    process.emitWarning('the time-skipping server kept a lock on its time; the lock is released');
    await env.connection.testService?.unlockTimeSkipping({});
  }
}

/**
 * The development server in memory, for what the time-skipping server lacks.
 * `suggestContinueAsNew`: the number of history events after which the server suggests to continue as new.
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
