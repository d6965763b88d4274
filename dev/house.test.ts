import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILES = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.md'],
  {
    cwd: ROOT,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));

// Two files must name what they ban.
const EXEMPT = new Set(['CONTRIBUTING.md', 'dev/house.test.ts']);

/** What a text may not hold, and what to write instead. CONTRIBUTING.md has the same list. */
const BANNED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\banew\b/i, 'again, or another'],
  [/\bsurely\b/i, 'certainly, or nothing'],
  [/\bwhoever\b/i, 'a noun: the caller, the sender, the user'],
  [/\bfor ever\b/i, 'without end, or always'],
  [/\bhardly\b/i, 'a number, or almost no'],
  [/\bma(?:k|d)(?:e|es|ing)? way\b/i, 'give the place back, wait'],
  [/\bso many\b/i, 'the number, or that many'],
  [/(?:^|[.!?] )Meanwhile\b/, 'during that time, or name both'],
  // The code of Hebrew stands in quotes or before a hyphen.
  [/(?<!['"`])\b(?:he|his|him)\b(?!['"`-])/, 'the user, their'],
  // One line packs several properties, and TypeScript then lets a misspelt one through.
  [/\.\.\.\{/, 'the properties, each by itself'],
  [/\btrx: Db\b/, 'Transaction<Schema>: a lock needs a transaction'],
];

const MARKDOWN_TWO_SENTENCES = /[\p{Ll}\d)`*"][.!?] \p{Lu}/u;

interface Line {
  readonly place: string;
  readonly text: string;
}

function linesOf(file: string): Line[] {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  return lines.map((text, index) => ({ place: `${file}:${index + 1}`, text }));
}

function banned(lines: readonly Line[]): string[] {
  return lines.flatMap(({ place, text }) =>
    BANNED.filter(([pattern]) => pattern.test(text)).map(
      ([pattern, instead]) => `${place} has ${pattern.exec(text)?.[0]}; write: ${instead}`,
    ),
  );
}

/** Prose only: no tables, no code, no headings. */
function proseOf(file: string): Line[] {
  let inCode = false;
  return linesOf(file).filter(({ text }) => {
    if (text.trimStart().startsWith('```')) inCode = !inCode;
    return !inCode && !/^\s*(?:```|\||#)/.test(text);
  });
}

const crowded = (lines: readonly Line[]) =>
  lines
    .filter(({ text }) => MARKDOWN_TWO_SENTENCES.test(text.replace(/^\s*\d+\. /, '')))
    .map(({ place }) => place);

test('no text has a banned word or form', () => {
  const files = FILES.filter((file) => !EXEMPT.has(file) && !file.startsWith('test/replay/histories'));
  expect(files.flatMap((file) => banned(linesOf(file)))).toEqual([]);
});

test('the list finds what it bans', () => {
  const bad = [
    'It is built anew',
    'Whoever waits',
    'retried for ever',
    'leases make way',
    'Meanwhile it waits',
    'when he enters',
    'const row = { ...{ a, b } };',
    'async function lock(trx: Db) {}',
  ];
  for (const text of bad) expect(banned([{ place: 'here:1', text }])).toHaveLength(1);
  expect(banned([{ place: 'here:1', text: 'It waits meanwhile, and the rest goes on.' }])).toEqual([]);
});

test('documents have one sentence per line', () => {
  const documents = FILES.filter((file) => file.endsWith('.md'));
  expect(documents.flatMap((file) => crowded(proseOf(file)))).toEqual([]);
  expect(crowded([{ place: 'here:1', text: 'One fact. Another fact.' }])).toEqual(['here:1']);
});

test('no folder has more than 20 product files, and no file more than 300 lines', () => {
  const product = FILES.filter((file) => file.endsWith('.ts') && !file.includes('.test.'));
  const counts = new Map<string, number>();
  for (const file of product) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 20)).toEqual([]);
  const long = product.filter((file) => linesOf(file).length > 301);
  expect(long).toEqual([]);
});
