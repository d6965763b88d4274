import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { EDITION } from '../../workflows/contract.ts';
import type { World } from '../world/world.ts';

export const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));

/** With RECORD_HISTORIES=1 keeps what a workflow did, for `replay.test.ts` to replay with the code of tomorrow; those of earlier editions stay. */
export async function recordHistory(world: World, workflowId: string, name: string): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const history = await world.env.client.workflow.getHandle(workflowId).fetchHistory();
  // Which process and machine it was does not matter to a replay.
  const text = historyToJSON(history).replaceAll(/"identity": ?"[^"]*"/g, '"identity":"worker"');
  writeFileSync(`${HISTORIES}${name}.edition-${EDITION}.json`, `${JSON.stringify(JSON.parse(text))}\n`);
}
