import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, '.data', 'test-results.json');
const COUNTS = join(ROOT, '.data', 'test-counts.json');

const Results = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that cannot be loaded counts as a failure, and so does a run without results. */
function count(exitCode: number): Counts {
  if (!existsSync(RESULTS)) return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
  const results = Results.parse(JSON.parse(readFileSync(RESULTS, 'utf8')));
  const unloaded = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = results.numFailedTests + unloaded.length;
  return {
    passed: results.numPassedTests,
    // An error outside any test (in a hook, in the setup) fails the run too.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: results.numPendingTests,
  };
}

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
mkdirSync(dirname(RESULTS), { recursive: true });
for (const file of [RESULTS, COUNTS]) rmSync(file, { force: true });
const run = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
const exitCode = run.status ?? 1;
const counts = count(exitCode);
writeFileSync(COUNTS, `${JSON.stringify(counts)}\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = exitCode;
