import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { imageFaults, importClosure, importsOf, letsThrough, repositoryFiles } from './image-files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const IGNORE = readFileSync(join(ROOT, '.dockerignore'), 'utf8');

test.each([
  ["import { a } from './b.ts';", ['api/b.ts']],
  ["import {\n  a,\n  type B,\n} from '../db/b.ts';", ['db/b.ts']],
  ["import './b.ts';", ['api/b.ts']],
  ["import * as b from './c/b.ts'; import d from './d.ts';", ['api/c/b.ts', 'api/d.ts']],
  ["export { a } from './b.ts';\nexport * from './c.ts';", ['api/b.ts', 'api/c.ts']],
  ["import type { A } from './b.ts';", ['api/b.ts']],
  ["const b = await import('./b.ts');", ['api/b.ts']],
  ["new URL('../openapi.json', import.meta.url)", ['openapi.json']],
  ["import { z } from 'zod';", []],
  ["// import { a } from './b.ts';\n/* import './c.ts'; */", []],
])('%j loads %j', (source, files) => {
  expect(importsOf('api/a.ts', source)).toEqual(files);
});

test.each([
  ['*\n!api', 'api/tasks/tasks.ts', true],
  ['*\n!api', 'apis.ts', false],
  ['*\n!api\napi/*\n!api/a.ts', 'api/a.ts', true],
  ['*\n!api\napi/*\n!api/a.ts', 'api/b/a.ts', false],
  ['*\n!api\n**/*.test.ts', 'api/b/a.test.ts', false],
  ['*\n!api\n**/*.test.ts\n', 'api/b/atest.ts', true],
  ['*', '.env', false],
  ['# all\n\n/dist/', 'dist/a/b.js', false],
  ['# all\n\n/dist/', 'api/dist.ts', true],
  ['a?.ts', 'ab.ts', false],
])('%j, %s: %s', (ignoreFile, file, isLetThrough) => {
  expect(letsThrough(ignoreFile)(file)).toBe(isLetThrough);
});

test('files that are missing in the image, or lie in it unused, are named', () => {
  const files = repositoryFiles(ROOT);
  const needed = importClosure(ROOT, ['server.ts', 'worker.ts']);
  expect(needed.size).toBeGreaterThan(300);
  const without = letsThrough(`${IGNORE}\nsecurity/message-mac.ts\n!dev/demo.ts`);
  const faults = imageFaults({ files, needed, isLetThrough: without }).join('\n');
  expect(faults).toContain('security/message-mac.ts is needed in the image');
  expect(faults).toContain('dev/demo.ts is imported by nothing in the image');
  const gone = imageFaults({ files, needed: new Set(['gone.ts']), isLetThrough: () => true });
  expect(gone[0]).toContain('gone.ts does not exist');
});
