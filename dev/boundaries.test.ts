import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeWorkflowBundle } from './bundle.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// Folder, and what a file of it may not import. The rules themselves are in biome.json.
const REFUSED = [
  ['domain', "import { x } from '../db/tasks/tasks.ts';"],
  ['domain', "import type { x } from '../db/tasks/tasks.ts';"],
  ['domain', "export { x } from '../workflows/push/push.ts';"],
  ['domain', "const x = await import('../config.ts');"],
  ['domain', "import { x } from 'node:crypto';"],
  ['domain', "import { x } from 'kysely';"],
  ['db', "import { x } from '../providers/apns/apns.ts';"],
  ['db', "import { x } from '../activities/index.ts';"],
  ['db', "import { x } from '../config.ts';"],
  ['db/migrations', "import { x } from '../../providers/apns/apns.ts';"],
  ['db', "import { x } from '@temporalio/client';"],
  ['providers', "import type { x } from '../db/tasks/tasks.ts';"],
  ['providers', "import { x } from '../keys.ts';"],
  ['providers', "import { x } from 'pg';"],
  ['providers/apns', "import type { x } from '../../db/tasks.ts';"],
  ['providers/apns', "import { x } from '../../keys.ts';"],
  ['providers/apns', "import { x } from 'kysely';"],
  ['activities', "import { x } from '../workflows/contract.ts';"],
  ['activities', "import { x } from '../api/app.ts';"],
  ['activities', "import { x } from '../worker.ts';"],
  ['workflows', "import { x } from '../db/tasks/tasks.ts';"],
  ['workflows', "import type { x } from '../providers/apns/apns.ts';"],
  ['workflows', "import { x } from '../api/app.ts';"],
  ['workflows', "import { createActivities } from '../activities/index.ts';"],
  ['workflows', "import * as x from '../activities/index.ts';"],
  ['workflows', "import { x } from '../keys.ts';"],
  ['workflows', "import { x } from 'node:timers/promises';"],
  ['workflows', "import { x } from 'pino';"],
  ['workflows', "import { x } from '@temporalio/client';"],
  ['api', "import { x } from '../activities/index.ts';"],
  ['api', "import { x } from '../workflows/push/push.ts';"],
  ['api/routes', "import { x } from '../../providers/apns/apns.ts';"],
  ['api/routes', "import { x } from '../../config.ts';"],
  ['api', "import { x } from '../test/setup/database.ts';"],
] as const;

const ALLOWED = [
  ['domain', "import { z } from 'zod';"],
  ['domain', "import { x } from './ids.ts';"],
  ['db', "import { x } from '../domain/ids.ts';"],
  ['providers', "import { x } from '../domain/content/content.ts';"],
  ['providers', "import { x } from './h2/h2-pool.ts';"],
  ['providers/apns', "import { x } from '../../domain/content.ts';"],
  ['providers/apns', "import { x } from '../h2/h2-pool.ts';"],
  ['activities', "import { x } from '../db/tasks/tasks.ts';"],
  ['activities', "import { x } from '../providers/verdict.ts';"],
  ['workflows', "import { x } from '../domain/ids.ts';"],
  ['workflows', "import type { Activities } from '../activities/index.ts';"],
  ['api', "import { x } from '../workflows/contract.ts';"],
  ['api/routes', "import { x } from '../../db/tasks.ts';"],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'signalbox-boundaries-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string };
  }[];
}

/** Writes each import into a file of its own and answers which files the linter refuses. */
function refusedFiles(sources: ReadonlyMap<string, string>): Set<string> {
  copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  for (const [file, source] of sources) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${source}\n`);
  }
  const options = ['lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false'];
  const run = spawnSync(join(ROOT, 'node_modules/.bin/biome'), options, { cwd: folder, encoding: 'utf8' });
  const { diagnostics }: Report = JSON.parse(run.stdout);
  const refusals = diagnostics.filter(({ category }) => category === 'lint/style/noRestrictedImports');
  return new Set(refusals.map(({ location }) => normalize(location.path)));
}

describe('lint', () => {
  const fileOf = (list: string, folderName: string, no: number) => `${folderName}/${list}-${no}.ts`;
  let refused: Set<string>;
  beforeAll(() => {
    refused = refusedFiles(
      new Map([
        ...REFUSED.map(([place, source], no) => [fileOf('refused', place, no), source] as const),
        ...ALLOWED.map(([place, source], no) => [fileOf('allowed', place, no), source] as const),
      ]),
    );
  });
  test.each(REFUSED.map((entry, no) => [...entry, no] as const))('%s/ refuses: %s', (place, _, no) => {
    expect(refused).toContain(fileOf('refused', place, no));
  });
  test.each(ALLOWED.map((entry, no) => [...entry, no] as const))('%s/ takes: %s', (place, _, no) => {
    expect(refused).not.toContain(fileOf('allowed', place, no));
  });
});

test('only connection.ts of the own HTTP/2 client is imported from outside its folder', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const outside = files.filter(
    (file) => !file.startsWith('providers/http2/') && existsSync(join(ROOT, file)),
  );
  const inner = /from '\.[^']*\/http2\/(?!connection\.ts')[^']*'/;
  expect(outside.filter((file) => inner.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});

test('the workflow bundle holds workflows, domain and what runs in the sandbox, and nothing of Node', async () => {
  const file = join(folder, 'bundle.js');
  await writeWorkflowBundle(file);
  const code = readFileSync(file, 'utf8');
  const modules = [...code.matchAll(/^\/\*\*\*\/ "\.\/([^"]+)"/gm)].map((match) => match[1] ?? '');
  expect(modules).toContain('workflows/task/operation-task.ts');
  const expected =
    /^(workflows|domain|node_modules\/(@temporalio\/(common|workflow)|long|ms|nexus-rpc|zod))\//;
  expect(modules.filter((module) => !expected.test(module))).toEqual([]);
  expect(code).not.toMatch(/['"]node:/);
}, 60_000);
