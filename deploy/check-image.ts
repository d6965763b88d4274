import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageFaults, importClosure, letsThrough, repositoryFiles } from './image-files.ts';

// Lists where .dockerignore disagrees with what the programs of the image import.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY_POINTS = [
  'server.ts',
  'worker.ts',
  'signalbox.ts',
  'workflow-source.ts',
  'db/migrations/migrate-cli.ts',
  'deploy/api-health.ts',
  'deploy/worker-health.ts',
  'dev/bundle.ts',
  'package.json',
  'package-lock.json',
];

const faults = imageFaults({
  files: repositoryFiles(ROOT),
  needed: importClosure(ROOT, ENTRY_POINTS),
  isLetThrough: letsThrough(readFileSync(join(ROOT, '.dockerignore'), 'utf8')),
});
process.stdout.write(faults.map((fault) => `.dockerignore: ${fault}\n`).join(''));
process.exitCode = faults.length === 0 ? 0 : 1;
