import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { releaseDirectory, removeAtEnd } from './guard.ts';
import { freePort } from './ports.ts';
import { type PostgresServer, startPostgres } from './postgres.ts';
import { createSecrets, keptSecrets, type Secrets } from './secrets.ts';
import { startTemporal, type TemporalServer } from './temporal.ts';
import { startTemporalOnPostgres } from './temporal-postgres.ts';

export interface StackOptions {
  /** A folder of its own under the system's temporary folder by default. */
  dataDir?: string;
  /** Whether data and secrets survive. A kept stack also prefers the well-known ports. */
  keep: boolean;
  /** Whether Temporal's web UI is served. */
  ui: boolean;
  /** The development server by default; `postgres` is the one of production, named by TEMPORAL_SERVER_BIN. */
  temporal?: 'dev' | 'postgres';
  settings?: Readonly<Record<string, string>>;
}

export interface Stack {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | undefined;
  readonly temporalCli: string;
  readonly dataDir: string;
  readonly postgres: PostgresServer;
  readonly temporal: TemporalServer;
  /** The variables that config.ts needs, to be merged into an environment. */
  readonly env: Secrets & {
    DATABASE_URL: string;
    TEMPORAL_ADDRESS: string;
    TEMPORAL_NAMESPACE: string;
    TEMPORAL_UI_URL?: string;
    REQUESTS_PER_MINUTE: string;
  };
  /** Stops both servers; data that is not kept is removed. */
  stop(): Promise<void>;
}

const DATABASE = 'signalbox';
const KNOWN_PORTS = { postgres: 15_432, temporal: 7_233, ui: 8_233 };

async function ensureDatabase(postgres: PostgresServer): Promise<void> {
  const client = new Client({ connectionString: postgres.url() });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(DATABASE)}`);
  } finally {
    await client.end();
  }
}

function prepareDataDir(options: StackOptions): string {
  if (options.dataDir === undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-'));
    // Postgres does not run as root, and has to reach its part.
    chmodSync(directory, 0o755);
    return directory;
  }
  mkdirSync(options.dataDir, { recursive: true });
  return resolve(options.dataDir);
}

/** Starts Postgres and Temporal. They end with this process, however it ends. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = prepareDataDir(options);
  const { keep, settings } = options;
  const secrets = keep ? keptSecrets(join(dataDir, 'secrets.json')) : createSecrets();
  const thrownAway: string[] = [];
  function throwAwayAtEnd(directory: string): void {
    if (keep) return;
    thrownAway.push(directory);
    removeAtEnd(directory);
  }
  const running: { stop(): Promise<void> }[] = [];
  async function stop(): Promise<void> {
    for (const server of running.reverse()) await server.stop();
    for (const directory of thrownAway) {
      rmSync(directory, { recursive: true, force: true });
      releaseDirectory(directory);
    }
  }
  throwAwayAtEnd(dataDir);
  try {
    const postgresPort = await freePort(keep ? KNOWN_PORTS.postgres : undefined);
    // Postgres starts first, because it refuses a data directory that is in use.
    const postgres = await startPostgres({ dataDir, port: postgresPort, ...(settings && { settings }) });
    running.push(postgres);
    throwAwayAtEnd(postgres.dataDir);
    const temporalPort = await freePort(keep ? KNOWN_PORTS.temporal : undefined);
    const ui = options.ui && keep ? KNOWN_PORTS.ui : options.ui;
    const temporal =
      options.temporal === 'postgres'
        ? await startTemporalOnPostgres({ dataDir, port: temporalPort, postgres })
        : await startTemporal({ dataDir, port: temporalPort, ui });
    running.push(temporal);
    await ensureDatabase(postgres);
    return describe(dataDir, secrets, postgres, temporal, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function describe(
  dataDir: string,
  secrets: Secrets,
  postgres: PostgresServer,
  temporal: TemporalServer,
  stop: () => Promise<void>,
): Stack {
  const databaseUrl = postgres.url(DATABASE);
  return {
    databaseUrl,
    temporalAddress: temporal.address,
    temporalUiUrl: temporal.uiUrl,
    temporalCli: temporal.cli,
    dataDir,
    postgres,
    temporal,
    env: {
      ...secrets,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: 'default',
      ...(temporal.uiUrl !== undefined && { TEMPORAL_UI_URL: temporal.uiUrl }),
      // A stack has one user, who needs no rate limits.
      REQUESTS_PER_MINUTE: '1000000',
    },
    stop,
  };
}
