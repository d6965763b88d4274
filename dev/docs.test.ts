import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const list = (...patterns: readonly string[]) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const FILES = list();
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md'));
const FOLDERS = new Set(FILES.flatMap((file) => foldersAbove(file)));
const SCRIPTS = Object.keys(JSON.parse(read('package.json')).scripts);

/** Files that are made and not kept, and names with a part to fill in. */
const MADE =
  /^(?:dist|\.data|node_modules|sdk\/dist)(?:\/|$)|^\.env$|\.min\.js$|^docker-compose\.override\.yml$/;
const PATTERN = /[<>*…{}]|YYYY/;
const EXTENSION = /\.(?:ts|md|sh|json|ya?ml|env|sql|js|html)$/;

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function foldersAbove(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The text of a page without its blocks of code. */
function proseOf(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```/gm, '');
}

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
}

function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = [...proseOf(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => {
    const anchor = anchorOf((match[1] ?? '').trim());
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return new Set(anchors);
}

function brokenLinks(page: string, text: string): string[] {
  const links = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path)).replace(/\/$/, '');
      if (file !== page && !FILES.includes(file) && !FOLDERS.has(file)) return true;
      return anchor !== undefined && !anchorsOf(file === page ? text : read(file)).has(anchor);
    });
}

/** A path is of the root, of the page's folder, or the end of one, as in the map of the layers. */
function exists(path: string, page: string): boolean {
  const bare = path.replace(/\/$/, '');
  if (MADE.test(path) || PATTERN.test(path)) return true;
  const asked = [bare, normalize(join(dirname(page), bare))];
  const has = (file: string) => FILES.includes(file) || FOLDERS.has(file);
  return asked.some(has) || FILES.some((file) => file.endsWith(`/${bare}`));
}

function looksLikeAFile(code: string): boolean {
  if (/[\s=:$"'()|,]/.test(code) || code.startsWith('/') || code.startsWith('-')) return false;
  if (EXTENSION.test(code)) return code !== 'process.env';
  const [first = ''] = code.split('/');
  return code.includes('/') && FOLDERS.has(first);
}

/** Names of code, and the paths in blocks of code that begin with a folder of the repository. */
function missingPaths(page: string, text: string): string[] {
  const names = [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  const paths = [...text.matchAll(/(?<![\w./:(-])(?:[\w-]+\/)+[\w-]+(?:\.\w+)+/g)].map(([path]) => path);
  const codes = new Set([...names, ...paths.filter((path) => FOLDERS.has(path.split('/')[0] ?? ''))]);
  return [...codes].filter((code) => looksLikeAFile(code) && !exists(code, page));
}

function missingScripts(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w-]*)/g)].map((match) => match[1] ?? '');
  return named.filter((name) => !SCRIPTS.includes(name));
}

test.each(DOCUMENTS)('%s names files, links, anchors and commands that exist', (page) => {
  const text = read(page);
  expect([...brokenLinks(page, text), ...missingPaths(page, text), ...missingScripts(text)]).toEqual([]);
});

test('the map names folders and files of its layers', () => {
  const rows = read('docs/architecture.md').matchAll(
    /^\| [^|]+ \|([^|]*)\|([^|]*)\|([^|]*)\|[^|]*\|[^|]*\|$/gm,
  );
  const missing = [...rows].flatMap((row) =>
    ['domain', 'db', 'api'].flatMap((layer, index) => {
      const names = [...(row[index + 1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => `${layer}/${match[1]}`);
      return names.filter((name) => !name.endsWith('/') && !FILES.includes(name) && !FOLDERS.has(name));
    }),
  );
  expect(missing.filter((name) => !PATTERN.test(name))).toEqual([]);
});

test('the checks find what is missing', () => {
  const text = [
    '# One `thing`: a title',
    '[here](#one-thing-a-title), [there](docs/api.md), [gone](docs/gone.md), [nowhere](#nowhere)',
    '`db/gone.ts`, `db/core`, `db/core/gone`, `gone.sh`, `npm run check`, `npm run gone`, `text/csv`, `POST /v1/gone`',
    '```sh\ncp deploy/gone.env .env && node https://example.com/docs/a.md\n```',
  ].join('\n');
  expect(brokenLinks('README.md', text)).toEqual(['docs/gone.md', '#nowhere']);
  expect(missingPaths('README.md', text)).toEqual([
    'db/gone.ts',
    'db/core/gone',
    'gone.sh',
    'deploy/gone.env',
  ]);
  expect(missingScripts(text)).toEqual(['gone']);
});
