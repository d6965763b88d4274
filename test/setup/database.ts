import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { type Db, openDatabase } from '../../db/core/database.ts';
import { databaseUrl, execute } from './sql.ts';

export interface TestDatabase {
  readonly url: string;
  readonly db: Db;
  readonly pool: Pool;
}

/** A new migrated database on the server that all tests share. */
export async function createTestDatabase(): Promise<
  TestDatabase & { drop(): Promise<void>; close(): Promise<void> }
> {
  const server = inject('postgresUrl');
  const name = `signalbox_test_${randomBytes(6).toString('hex')}`;
  await execute(server, `create database ${name} template ${inject('templateDatabase')}`);
  const url = databaseUrl(server, name);
  const { db, pool } = openDatabase(url);
  const close = () => db.destroy();
  const drop = async () => {
    await close();
    await execute(server, `drop database if exists ${name} with (force)`);
  };
  return { url, db, pool, close, drop };
}

/**
 * For the top of a test file: a database that exists while the file's tests run. The database is dropped
 * afterwards, but kept for inspection when a test failed (which needs a server that TEST_DATABASE_URL names).
 */
export function useTestDatabase(): TestDatabase {
  let database: Awaited<ReturnType<typeof createTestDatabase>> | undefined;
  let hasFailed = false;
  const opened = () => {
    if (database === undefined) throw new Error('The test database exists only while tests run');
    return database;
  };
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(({ task }) => {
    hasFailed ||= task.result?.state === 'fail';
  });
  afterAll(() => (hasFailed ? opened().close() : opened().drop()));
  return {
    get url() {
      return opened().url;
    },
    get db() {
      return opened().db;
    },
    get pool() {
      return opened().pool;
    },
  };
}
