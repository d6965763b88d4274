import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../domain/workflows/search-attributes.ts';
import { freePort } from './ports.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { resolveTemporalCli } from './temporal-binary.ts';

export interface TemporalOptions {
  /** Holds the database file and the log. */
  dataDir: string;
  port?: number;
  /** False serves no UI. A number is the port that is tried first. */
  ui: boolean | number;
}

/** The server restarts on the same ports, with the same database. */
export interface TemporalServer extends RunningProcess {
  readonly address: string;
  readonly uiUrl: string | undefined;
  readonly cli: string;
}

export const NAMESPACE = 'default';

const DYNAMIC_CONFIG = {
  // A new search attribute is known at once, instead of after a cache has expired.
  'system.forceSearchAttributesCacheRefreshOnRead': 'true',
};

export async function serves(address: string): Promise<boolean> {
  const connection = Connection.lazy({ address, connectTimeout: '2s' });
  try {
    await connection.withDeadline(Date.now() + 2_000, async () => {
      await connection.ensureConnected();
      await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    });
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

/** Starts Temporal's development server on 127.0.0.1. Its data survives kill -9 of the process. */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const cli = await resolveTemporalCli();
  const port = options.port ?? (await freePort());
  const uiPort =
    options.ui === false ? undefined : await freePort(options.ui === true ? undefined : options.ui);
  const address = `127.0.0.1:${port}`;
  const server = await startProcess({
    name: 'Temporal',
    command: cli,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--namespace', NAMESPACE],
      ...['--db-filename', join(options.dataDir, 'temporal.db'), '--log-level', 'warn'],
      ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
      ...(uiPort === undefined ? ['--headless'] : ['--ui-port', `${uiPort}`, '--ui-disable-news-fetch']),
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap((pair) => ['--search-attribute', pair.join('=')]),
      ...Object.entries(DYNAMIC_CONFIG).flatMap((pair) => ['--dynamic-config-value', pair.join('=')]),
    ],
    logFile: join(options.dataDir, 'temporal.log'),
    ready: { check: () => serves(address) },
    stopTimeoutMs: 20_000,
  });
  return Object.assign(server, {
    address,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    cli,
  });
}
