import { accessSync, constants, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { freePort } from '../../dev/stack/ports.ts';
import { startProcess } from '../../dev/stack/process.ts';

export interface Redis {
  readonly url: string;
  stop(): Promise<void>;
}

const PROGRAM = 'redis-server';
const DEFAULT_PORT = 6379;
const CONNECT_MS = 1_000;

/**
 * The server that REDIS_URL names, or a new one where the program is installed; otherwise the reason for
 * none.
 */
export async function findRedis(directory: string): Promise<Redis | { readonly absent: string }> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined) {
    const url = new URL(given);
    if (await listens(url)) return { url: url.href, stop: () => Promise.resolve() };
    return { absent: `no Redis at ${url.host} (REDIS_URL)` };
  }
  if (!isOnPath(PROGRAM)) return { absent: `no REDIS_URL, and no ${PROGRAM} on the PATH` };
  return await startRedis(join(directory, 'redis'));
}

/** Durable as BullMQ's guide for production asks: an append-only file, synced every second. */
async function startRedis(directory: string): Promise<Redis> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const server = await startProcess({
    name: 'redis',
    command: PROGRAM,
    args: [
      ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    ],
    logFile: join(directory, 'redis.log'),
    ready: { line: 'Ready to accept connections' },
  });
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.stop() };
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function listens(url: URL): Promise<boolean> {
  const port = Number(url.port || DEFAULT_PORT);
  const socket = connect({ host: url.hostname, port, timeout: CONNECT_MS });
  return await new Promise((resolve) => {
    const answer = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}
