import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SEARCH_ATTRIBUTES } from '../../domain/workflows/search-attributes.ts';
import { freePort } from './ports.ts';
import type { PostgresServer } from './postgres.ts';
import { startProcess } from './process.ts';
import { NAMESPACE, serves, type TemporalServer } from './temporal.ts';
import { resolveTemporalCli } from './temporal-binary.ts';

export interface TemporalOnPostgresOptions {
  dataDir: string;
  postgres: PostgresServer;
  port: number;
}

const run = promisify(execFile);
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' };
const SERVICES = ['FRONTEND', 'HISTORY', 'MATCHING', 'WORKER', 'INTERNAL_FRONTEND'];
const SHARDS = 4;
const REGISTRATION_ATTEMPTS = 60;
const PAUSE_MS = 500;

function binary(variable: string): string {
  const file = process.env[variable];
  if (file === undefined)
    throw new Error(`${variable} must name Temporal's production binary: see docs/performance.md`);
  return file;
}

async function createSchemas(url: URL): Promise<void> {
  const tool = binary('TEMPORAL_SQL_BIN');
  const env = { ...process.env, SQL_PASSWORD: decodeURIComponent(url.password) };
  const place = ['--plugin', 'postgres12', '--ep', url.hostname, '--port', url.port, '--user', url.username];
  for (const [database, schema] of Object.entries(DATABASES)) {
    const sql = (...args: string[]) => run(tool, [...place, '--database', database, ...args], { env });
    await sql('create-database');
    await sql('setup-schema', '--version', '0.0');
    await sql('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
}

async function portsOf(frontend: number): Promise<Record<string, string>> {
  const ports: Record<string, string> = {};
  for (const service of SERVICES) {
    ports[`${service}_GRPC_PORT`] = `${service === 'FRONTEND' ? frontend : await freePort()}`;
    ports[`${service}_MEMBERSHIP_PORT`] = `${await freePort()}`;
    ports[`${service}_HTTP_PORT`] = `${await freePort()}`;
  }
  return ports;
}

/**
 * Waits for the caches of the server, which know a new namespace and its attributes only after some seconds.
 */
async function untilItWorks(cli: string, args: readonly string[], isDone: RegExp): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failure = await run(cli, [...args]).then(
      () => undefined,
      (error: { stderr?: string }) => error,
    );
    if (failure === undefined || isDone.test(`${failure.stderr}`)) return;
    if (attempt === REGISTRATION_ATTEMPTS) throw failure;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function register(cli: string, address: string): Promise<void> {
  const place = ['--address', address, '--namespace', NAMESPACE];
  const retention = ['--retention', '30d'];
  await untilItWorks(cli, ['operator', 'namespace', 'create', ...place, ...retention], /already/i);
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    const attribute = ['--name', name, '--type', type];
    await untilItWorks(cli, ['operator', 'search-attribute', 'create', ...place, ...attribute], /already/i);
  }
  for (const name of Object.keys(SEARCH_ATTRIBUTES)) {
    await untilItWorks(cli, ['workflow', 'count', ...place, '--query', `${name} is null`], /^$/);
  }
}

/** Starts Temporal's production server, with its databases in this Postgres. */
export async function startTemporalOnPostgres(options: TemporalOnPostgresOptions): Promise<TemporalServer> {
  const { dataDir, postgres, port } = options;
  const url = new URL(postgres.url());
  await createSchemas(url);
  const dynamicConfig = join(dataDir, 'temporal-dynamic-config.yaml');
  writeFileSync(dynamicConfig, '{}\n');
  const cli = await resolveTemporalCli();
  const address = `127.0.0.1:${port}`;
  const server = await startProcess({
    name: 'Temporal',
    command: binary('TEMPORAL_SERVER_BIN'),
    args: ['--allow-no-auth', 'start'],
    env: {
      ...process.env,
      ...(await portsOf(port)),
      DB: 'postgres12',
      DB_PORT: url.port,
      POSTGRES_SEEDS: url.hostname,
      POSTGRES_USER: url.username,
      POSTGRES_PWD: decodeURIComponent(url.password),
      DBNAME: 'temporal',
      VISIBILITY_DBNAME: 'temporal_visibility',
      BIND_ON_IP: '127.0.0.1',
      NUM_HISTORY_SHARDS: `${SHARDS}`,
      DYNAMIC_CONFIG_FILE_PATH: dynamicConfig,
      LOG_LEVEL: 'warn',
    },
    logFile: join(dataDir, 'temporal.log'),
    ready: {
      check: async () => {
        const isUp = await run(cli, ['operator', 'cluster', 'health', '--address', address]).catch(
          () => undefined,
        );
        if (isUp === undefined) return false;
        await register(cli, address);
        return serves(address);
      },
    },
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 20_000,
  });
  return Object.assign(server, { address, uiUrl: undefined, cli });
}
