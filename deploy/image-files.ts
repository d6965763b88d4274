import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';

// Which files the image has to hold, which ones .dockerignore lets in, and where the two differ.

const IMPORT = /(?:^|[\s;}])(?:import|export)\s+(?:[^'";]*?\sfrom\s+)?'(\.{1,2}\/[^']+)'/g;
const DYNAMIC_IMPORT = /\bimport\(\s*'(\.{1,2}\/[^']+)'/g;
/** A file that is named instead of imported: `new URL('./workflows/index.ts', …)`, `pathOf('./…')`. */
const NAMED_FILE = /\(\s*'(\.{1,2}\/[^']+\.(?:ts|json))'/g;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** The files that a module imports, relative to the root; those of which it takes types alone, too. */
export function importsOf(file: string, source: string): string[] {
  const code = source.replace(COMMENT, '');
  const found = [IMPORT, DYNAMIC_IMPORT, NAMED_FILE].flatMap((pattern) => [...code.matchAll(pattern)]);
  return [...new Set(found.map((match) => normalize(join(file, '..', match[1] ?? ''))))];
}

/** The entry points and everything that they import, directly or through others. */
export function importClosure(root: string, entries: readonly string[]): Set<string> {
  const closure = new Set(entries);
  for (const file of closure) {
    const path = join(root, file);
    if (!file.endsWith('.ts') || !existsSync(path)) continue;
    for (const imported of importsOf(file, readFileSync(path, 'utf8'))) closure.add(imported);
  }
  return closure;
}

const GLOB_PARTS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};

/** Docker's patterns also match names that begin with a dot. */
function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\*\*|\*|\?)/);
  return new RegExp(
    `^${parts.map((part) => GLOB_PARTS[part] ?? part.replace(/[\\^$.|+()[\]{}]/g, '\\$&')).join('')}$`,
  );
}

/** Whether a .dockerignore lets a file through. The last pattern that matches it or a folder above it decides. */
export function letsThrough(ignoreFile: string): (file: string) => boolean {
  const patterns = ignoreFile
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ allows: line.startsWith('!'), pattern: globPattern(line.replace(/^!?\/?|\/$/g, '')) }));
  return (file) => {
    const parts = file.split('/');
    const paths = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    const last = patterns.findLast(({ pattern }) => paths.some((path) => pattern.test(path)));
    return last?.allows ?? true;
  };
}

export function repositoryFiles(root: string): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n');
  return files.filter((file) => file !== '' && existsSync(join(root, file)));
}

export interface Image {
  readonly files: readonly string[];
  readonly needed: ReadonlySet<string>;
  readonly isLetThrough: (file: string) => boolean;
}

/** What is missing in the image, and what lies in it and nothing imports. */
export function imageFaults({ files, needed, isLetThrough }: Image): string[] {
  const known = new Set(files);
  const missing = [...needed].flatMap((file) => {
    if (!known.has(file)) return [`${file} does not exist, and the image needs it`];
    return isLetThrough(file) ? [] : [`${file} is needed in the image: let it through`];
  });
  const idle = files
    .filter((file) => isLetThrough(file) && !needed.has(file))
    .map((file) => `${file} is imported by nothing in the image: leave it out`);
  return [...missing, ...idle];
}
