import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { writeWorkflowBundle } from '../../dev/bundle.ts';
import { resolveTemporalCli, resolveTestServer } from '../../dev/stack/temporal-binary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalCli: string;
    temporalTestServer: string;
    workflowBundle: string;
  }
}

/** Finds the servers and bundles the workflows once for all test files. */
export async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bundle-'));
  const bundle = join(directory, 'workflows.js');
  project.provide('temporalCli', await resolveTemporalCli());
  project.provide('temporalTestServer', await resolveTestServer());
  await writeWorkflowBundle(bundle);
  project.provide('workflowBundle', bundle);
  return () => rmSync(directory, { recursive: true, force: true });
}
