import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { Client as Database } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startStack } from '../dev/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../domain/workflows/search-attributes.ts';

const HOLDER = fileURLToPath(new URL('./setup/stack-holder.ts', import.meta.url));
const Held = z.object({ dataDir: z.string(), pids: z.array(z.number()) });
const kept = mkdtempSync(join(tmpdir(), 'signalbox-kept-'));
// Under root, Postgres runs as another user, which must be able to enter.
chmodSync(kept, 0o755);
afterAll(() => rmSync(kept, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Database({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

async function withTemporal<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** An ended process that its parent has not waited for yet does not count as running. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Processes that work in the directory, as Postgres and all its backends do. */
function processesIn(directory: string): string[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.filter((pid) => workingDirectory(pid).startsWith(directory));
}

test('a kept stack keeps its data, its workflows and its secrets over a stop', async () => {
  const first = await startStack({ dataDir: kept, keep: true, ui: false });
  await query(first.databaseUrl, 'create table thing as select 42 as answer');
  await withTemporal(first.temporalAddress, (client) =>
    client.workflow.start('anything', { taskQueue: 'nobody', workflowId: 'kept' }),
  );
  const { CREDENTIALS_KEY } = first.env;
  await first.stop();
  expect(statSync(join(kept, 'secrets.json')).mode & 0o777).toBe(0o600);
  const second = await startStack({ dataDir: kept, keep: true, ui: false });
  expect(await query(second.databaseUrl, 'select answer from thing')).toEqual([{ answer: 42 }]);
  const state = await withTemporal(second.temporalAddress, (client) =>
    client.workflow.getHandle('kept').describe(),
  );
  expect(state.status.name).toBe('RUNNING');
  expect(second.env.CREDENTIALS_KEY).toBe(CREDENTIALS_KEY);
  await second.stop();
});

test('servers killed by -9 come back on the same ports with their committed data', async () => {
  const stack = await startStack({ keep: false, ui: false });
  await query(stack.databaseUrl, 'create table thing as select 42 as answer');
  await withTemporal(stack.temporalAddress, (client) =>
    client.workflow.start('anything', { taskQueue: 'nobody', workflowId: 'promised' }),
  );
  const attributes = await withTemporal(stack.temporalAddress, (client) =>
    client.connection.operatorService.listSearchAttributes({ namespace: 'default' }),
  );
  expect(Object.keys(attributes.customAttributes)).toEqual(
    expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)),
  );
  await Promise.all([stack.postgres.kill(), stack.temporal.kill()]);
  await expect(query(stack.databaseUrl, 'select 1')).rejects.toThrow();
  await Promise.all([stack.postgres.restart(), stack.temporal.restart()]);
  expect(await query(stack.databaseUrl, 'select answer from thing')).toEqual([{ answer: 42 }]);
  await withTemporal(stack.temporalAddress, (client) => client.workflow.getHandle('promised').describe());
  await stack.stop();
  expect(existsSync(stack.dataDir)).toBe(false);
});

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test.skipIf(platform() !== 'linux')(
    `no server and no data is left when the process that holds them ends by ${signal}`,
    async () => {
      const holder = spawn(process.execPath, [HOLDER], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = await once(createInterface({ input: holder.stdout }), 'line');
      const { dataDir, pids } = Held.parse(JSON.parse(`${line}`));
      expect(pids.map(isRunning)).toEqual([true, true]);
      expect(processesIn(dataDir).length).toBeGreaterThan(1);
      holder.kill(signal);
      await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
      await expect.poll(() => processesIn(dataDir), { timeout: 10_000 }).toEqual([]);
      await expect.poll(() => existsSync(dataDir), { timeout: 10_000 }).toBe(false);
    },
  );
}
