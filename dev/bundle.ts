import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { WORKFLOW_SOURCE } from '../workflow-source.ts';

const DEFAULT_FILE = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url));

/** Bundles the workflows once, for all workers that are given the file (WORKFLOW_BUNDLE). */
export async function writeWorkflowBundle(file: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    ...WORKFLOW_SOURCE,
    logger: new DefaultLogger('WARN'),
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
}

if (import.meta.main) {
  const file = resolve(process.argv[2] ?? DEFAULT_FILE);
  await writeWorkflowBundle(file);
  process.stdout.write(`${file}\n`);
}
