import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COUNTS = join(ROOT, '.data', 'check-counts.json');

const { execPath } = process;
const SDK = 'SDK: types and size';
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  'lint and format': ['node_modules/.bin/biome', 'check', '.', '--error-on-warnings'],
  types: ['node_modules/.bin/tsc'],
  [SDK]: [execPath, 'sdk/build.ts'],
  'dead code': ['node_modules/.bin/knip', '--no-progress'],
  'openapi.json is in step': [execPath, 'api/write-openapi.ts', '--check'],
  'files of the image': [execPath, 'deploy/check-image.ts'],
  'docker-compose.yml': [execPath, 'deploy/check-compose.ts'],
};

function check(title: string, [command = '', ...args]: readonly string[]): boolean {
  const started = performance.now();
  const run = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const passed = run.status === 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (!passed) process.stdout.write(`${run.stdout}${run.stderr}${run.error?.message ?? ''}\n`);
  if (passed && title === SDK) process.stdout.write(run.stdout);
  process.stdout.write(`${passed ? 'ok  ' : 'FAIL'}  ${title} (${seconds} s)\n`);
  return passed;
}

const results = Object.entries(CHECKS).map(([title, command]) => check(title, command));
const passed = results.filter(Boolean).length;
const failed = results.length - passed;
mkdirSync(join(ROOT, '.data'), { recursive: true });
writeFileSync(COUNTS, `${JSON.stringify({ passed, failed })}\n`);
process.stdout.write(`${passed} checks passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
