import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateToLatest } from '../../db/migrations/migrate.ts';
import { releaseDirectory, removeAtEnd } from '../../dev/stack/guard.ts';
import { startPostgres } from '../../dev/stack/postgres.ts';
import { databaseUrl, execute } from './sql.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the server that all tests share. */
    postgresUrl: string;
    /** A migrated, empty database to make test databases from. */
    templateDatabase: string;
  }
}

/** Durability after a crash of the machine is not needed in tests. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function startSharedServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
  chmodSync(dataDir, 0o755);
  removeAtEnd(dataDir);
  const server = await startPostgres({ dataDir, settings: FAST });
  return {
    url: server.url(),
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
      releaseDirectory(dataDir);
    },
  };
}

/**
 * Vitest calls this once for each project, one after the other in one process. The first call boots the
 * server. The others find its URL in the environment.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { SIGNALBOX_TEST_TEMPLATE: known, TEST_DATABASE_URL: knownUrl } = process.env;
  if (known !== undefined && knownUrl !== undefined) {
    project.provide('postgresUrl', knownUrl);
    project.provide('templateDatabase', known);
    return undefined;
  }
  const { url, stop } = await startSharedServer();
  const template = `signalbox_template_${randomBytes(6).toString('hex')}`;
  await execute(url, `create database ${template}`);
  await migrateToLatest(databaseUrl(url, template));
  process.env['TEST_DATABASE_URL'] = url;
  process.env['SIGNALBOX_TEST_TEMPLATE'] = template;
  project.provide('postgresUrl', url);
  project.provide('templateDatabase', template);
  return async () => {
    await execute(url, `drop database if exists ${template} with (force)`);
    await stop();
  };
}
