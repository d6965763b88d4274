import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** The output folder; the first argument replaces the default. */
const DIST = resolve(process.argv[2] ?? join(HERE, 'dist'));
const TSC = join(HERE, '../node_modules/.bin/tsc');
const MAX_BYTES = 8 * 1024;

/** Modules with their types for bundlers, and minified files: classic scripts and modules. */
async function main(): Promise<void> {
  rmSync(DIST, { recursive: true, force: true });
  for (const project of ['tsconfig.json', 'tsconfig.worker.json']) compile(join(HERE, project));
  await bundle('web/index', { file: 'signalbox', format: 'iife', name: 'Signalbox' });
  await bundle('web/index', { file: 'signalbox.module', format: 'es' });
  await bundle('web/service-worker', { file: 'service-worker', format: 'iife', name: 'signalbox' });
  await bundle('react-native', { file: 'react-native', format: 'es' });
  const sizes = readdirSync(DIST)
    .filter((file) => file.endsWith('.min.js'))
    .map((file) => ({ file, bytes: gzipSync(readFileSync(join(DIST, file))).length }));
  for (const { file, bytes } of sizes) process.stdout.write(`      ${file} ${bytes} bytes gzipped\n`);
  const large = sizes.filter(({ bytes }) => bytes > MAX_BYTES);
  if (large.length > 0) throw new Error(`more than ${MAX_BYTES} bytes: ${large.map(({ file }) => file)}`);
}

function compile(project: string): void {
  const { status, stdout } = spawnSync(TSC, ['-p', project, '--outDir', DIST], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
}

async function bundle(
  entry: string,
  { file, format, name = '' }: { file: string; format: 'es' | 'iife'; name?: string },
): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'warn',
    root: HERE,
    build: {
      outDir: DIST,
      emptyOutDir: false,
      target: 'es2022',
      minify: true,
      lib: {
        entry: join(DIST, `${entry}.js`),
        formats: [format],
        name,
        fileName: () => `${file}.min.js`,
      },
    },
  });
}

await main();
