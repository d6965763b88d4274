import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOpenToOthers, type PostgresBinaries, type User } from './postgres-binaries.ts';

export interface Cluster {
  /** The folder that Postgres owns. */
  dataDir: string;
  password: string;
}

const OWNER_WAIT_MS = 15_000;
const POLL_MS = 100;

/** The place of the cluster: the folder itself, or another one if the user of Postgres cannot enter it. */
function clusterDir(directory: string, user: User | undefined): string {
  if (user === undefined || isOpenToOthers(directory)) return join(directory, 'cluster');
  const name = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 12);
  const parent = join('/var/tmp', `signalbox-${name}`);
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  process.stderr.write(`Other users cannot enter ${directory}: the database lies in ${parent}\n`);
  return join(parent, 'cluster');
}

function initialise(cluster: Cluster, binaries: PostgresBinaries, user: User | undefined): void {
  mkdirSync(cluster.dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = `${cluster.dataDir}.password`;
  writeFileSync(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    chownSync(cluster.dataDir, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const encoding = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const login = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  try {
    execFileSync(binaries.initdb, [`--pgdata=${cluster.dataDir}`, ...login, ...encoding], {
      ...user,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    rmSync(cluster.dataDir, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Creates the cluster in this folder unless it is there already. */
export function ensureCluster(
  directory: string,
  binaries: PostgresBinaries,
  user: User | undefined,
): Cluster {
  mkdirSync(directory, { recursive: true });
  const dataDir = clusterDir(directory, user);
  const passwordFile = join(directory, 'postgres.password');
  if (existsSync(join(dataDir, 'PG_VERSION')) && existsSync(passwordFile)) {
    return { dataDir, password: readFileSync(passwordFile, 'utf8').trim() };
  }
  const cluster = { dataDir, password: randomBytes(18).toString('base64url') };
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 });
  chmodSync(passwordFile, 0o600);
  initialise(cluster, binaries, user);
  return cluster;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Asks the kernel on Linux. On other systems the port in the lock file must answer. */
async function isPostmaster(pid: number, port: number): Promise<boolean> {
  const name = `/proc/${pid}/comm`;
  if (existsSync(name)) return readFileSync(name, 'utf8').trim() === 'postgres';
  return new Promise((answer) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      answer(true);
    });
    socket.once('error', () => answer(false));
  });
}

/**
 * Removes the lock file of a killed server if another process has the server's number by now, which Postgres
 * cannot tell apart. Waits for a server that is still stopping.
 */
export async function clearStaleLock(dataDir: string): Promise<void> {
  const lock = join(dataDir, 'postmaster.pid');
  const deadline = performance.now() + OWNER_WAIT_MS;
  while (existsSync(lock)) {
    const lines = readFileSync(lock, 'utf8').split('\n');
    const pid = Number(lines[0]);
    if (!isAlive(pid)) return;
    if (!(await isPostmaster(pid, Number(lines[3])))) {
      rmSync(lock, { force: true });
      return;
    }
    if (performance.now() > deadline)
      throw new Error(`The process ${pid} is using ${dataDir}: stop it first`);
    await sleep(POLL_MS);
  }
}
