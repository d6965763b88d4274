import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Tests whose product runs on a fixed clock, and the files that they use. */
const SOURCES = [
  '{activities,api,db,sdk}/**/*.{api,db}.test.ts',
  '{activities,api,db,sdk}/**/*-fixture.ts',
  'sdk/testing/**/*.ts',
  'test/{fixtures,setup}/**/*.ts',
  'test/webhook-*.ts',
];

/**
 * Ways to read the date of the machine or of the database. `performance.now()` measures durations and is
 * allowed.
 */
const REAL_DATE =
  /\bDate\.now\b|\bnew Date\(\s*\)|(?<![.\w])now\(\)|\b(?:clock|statement|transaction)_timestamp\(|\bcurrent_(?:timestamp|date)\b|'now'::/;

/** File, line and text of each place that reads the real date. */
function realDatesIn(file: string, source: string): string[] {
  return source
    .split('\n')
    .flatMap((line, index) => (REAL_DATE.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []));
}

test.each([
  'const at = Date.now() + 1_000;',
  'const clock = Date.now;',
  'await insertPing(db, { now: new Date() });',
  'await sql`update devices set unsubscribed_at = now()`.execute(db);',
  "await sql`select clock_timestamp(), 'now'::timestamptz`.execute(db);",
  'await sql`delete from events where at < current_timestamp`.execute(db);',
])('a test that has the line %s is named', (line) => {
  expect(realDatesIn('db/some.db.test.ts', `const a = 1;\n${line}\n`)).toEqual([
    `db/some.db.test.ts:2: ${line}`,
  ]);
});

test.each([
  'const startedAt = performance.now();',
  'const now = new Date(api.clock.now);',
  'await seedPush(db, { startedAt: api.clock.now });',
])('a test that has the line %s is allowed', (line) => {
  expect(realDatesIn('db/some.db.test.ts', line)).toEqual([]);
});

test('no test on a fixed clock reads the real date', () => {
  const files = globSync(SOURCES, { cwd: ROOT });
  expect(files.length).toBeGreaterThan(80);
  expect(files.flatMap((file) => realDatesIn(file, readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});
