import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { WORKFLOW_SOURCE } from '../../workflow-source.ts';
import { quietRuntime } from '../setup/quiet-runtime.ts';
import { workflowBundle } from '../setup/temporal-environment.ts';
import { HISTORIES, PATHS } from './record.ts';

quietRuntime();
const dataConverter = { payloadConverterPath: WORKFLOW_SOURCE.payloadConverterPath };
const names = existsSync(HISTORIES)
  ? readdirSync(HISTORIES)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
  : [];

function textOf(name: string): string {
  return readFileSync(`${HISTORIES}${name}.json`, 'utf8');
}

async function replay(text: string): Promise<void> {
  const options = { workflowBundle: workflowBundle(), dataConverter };
  await Worker.runReplayHistory(options, historyFromJSON(JSON.parse(text)), 'replayed');
}

test('every path of the workflows has a recorded history', () => {
  const missing = PATHS.filter((path) => !names.includes(path));
  expect(
    missing,
    'histories are missing in test/replay/histories; record them with RECORD_HISTORIES=1 npm test -- --project workflow',
  ).toEqual([]);
});

test.each(names)('%s replays', async (name) => {
  await expect(replay(textOf(name))).resolves.toBeUndefined();
});

test('workflows load no schema library, of which each would keep a copy of its own', () => {
  expect(readFileSync(workflowBundle().codePath, 'utf8')).not.toContain('node_modules/zod');
});

test('a history that the workflows cannot have made is refused', async () => {
  const text = textOf('push').replaceAll('"prepareRecipients"', '"sendLetters"');
  await expect(replay(text)).rejects.toThrow(/prepareRecipients|sendLetters|[Nn]ondeterminism/);
});
