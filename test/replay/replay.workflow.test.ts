import { readdirSync, readFileSync } from 'node:fs';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { WORKFLOW_SOURCE } from '../../workflow-source.ts';
import { quietRuntime } from '../setup/quiet-runtime.ts';
import { workflowBundle } from '../setup/temporal-environment.ts';
import { HISTORIES } from './record.ts';

quietRuntime();
const names = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));
const dataConverter = { payloadConverterPath: WORKFLOW_SOURCE.payloadConverterPath };

function read(name: string): unknown {
  return JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8'));
}

test.each(names)('%s replays', async (name) => {
  const options = { workflowBundle: workflowBundle(), dataConverter };
  await Worker.runReplayHistory(options, historyFromJSON(read(name)), 'replayed');
});

test('workflows load no schema library: each of them would load it anew, and keep it', () => {
  expect(readFileSync(workflowBundle().codePath, 'utf8')).not.toContain('node_modules/zod');
});

test('a history that the workflows would not make is noticed', async () => {
  const text = readFileSync(`${HISTORIES}push.json`, 'utf8').replaceAll(
    '"prepareRecipients"',
    '"sendLetters"',
  );
  const options = { workflowBundle: workflowBundle(), dataConverter };
  await expect(
    Worker.runReplayHistory(options, historyFromJSON(JSON.parse(text)), 'replayed'),
  ).rejects.toThrow();
});
