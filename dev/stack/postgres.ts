import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './ports.ts';
import { postgresBinaries, postgresUser } from './postgres-binaries.ts';
import { clearStaleLock, ensureCluster } from './postgres-cluster.ts';
import { startProcess } from './process.ts';

export interface PostgresOptions {
  /** The data directory, initialised when empty and reused otherwise. */
  dataDir: string;
  port?: number;
  /** Server settings that differ from SETTINGS. */
  settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  readonly port: number;
  readonly pid: number | undefined;
  readonly logFile: string;
  readonly dataDir: string;
  url(database?: string): string;
  /** Disconnects all clients and writes all data to disk. */
  stop(): Promise<void>;
  /** kill -9 of the postmaster. */
  kill(): Promise<void>;
  /** Starts again on the same port, with the same data. */
  restart(): Promise<void>;
}

/** Postgres advises a quarter to two fifths of the memory. The system's cache gets as much again. */
const SHARED_MB = Math.max(128, Math.min(16_384, Math.floor((0.35 * totalmem()) / 2 ** 20)));

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: `${SHARED_MB}MB`,
  effective_cache_size: `${2 * SHARED_MB}MB`,
  max_connections: '200',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  log_min_messages: 'warning',
  log_lock_waits: 'on',
};

const START_ATTEMPTS = 20;
const RETRY_PAUSE_MS = 500;
/** After kill -9 the old server's backends need a moment to release its shared memory. */
const STILL_IN_USE = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function retryWhileInUse<T>(dataDir: string, start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    await clearStaleLock(dataDir);
    try {
      return await start();
    } catch (error) {
      const isInUse = error instanceof Error && STILL_IN_USE.test(error.message);
      if (!isInUse || attempt === START_ATTEMPTS) throw error;
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

/** Starts a real Postgres on 127.0.0.1; durable (fsync on) unless the settings say otherwise. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = postgresUser();
  const binaries = postgresBinaries(user);
  const { dataDir, password } = ensureCluster(options.dataDir, binaries, user);
  const port = options.port ?? (await freePort());
  const url = (database = 'postgres') =>
    `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const settings = Object.entries({ ...SETTINGS, ...options.settings });
  const server = await retryWhileInUse(dataDir, () =>
    startProcess({
      name: 'Postgres',
      command: binaries.postgres,
      args: [
        '-D',
        dataDir,
        '-p',
        `${port}`,
        ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      cwd: dataDir,
      ...(user === undefined ? {} : { user }),
      logFile: join(options.dataDir, 'postgres.log'),
      ready: { check: () => answers(url()) },
      // Fast shutdown: SIGTERM would wait for every client to leave.
      stopSignal: 'SIGINT',
      stopTimeoutMs: 60_000,
    }),
  );
  return {
    port,
    get pid() {
      return server.pid;
    },
    logFile: server.logFile,
    dataDir,
    url,
    stop: server.stop,
    kill: server.kill,
    restart: async () => {
      await server.stop();
      await retryWhileInUse(dataDir, server.restart);
    },
  };
}
