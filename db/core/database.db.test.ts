import { once } from 'node:events';
import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { useTestDatabase } from '../../test/setup/database.ts';

const database = useTestDatabase();

test('a connection that dies between two statements of a transaction fails that transaction and nothing else', async () => {
  const { db, pool } = database;
  const acquired = once(pool, 'acquire') as Promise<[PoolClient]>;
  const transaction = db.transaction().execute(async (trx) => {
    const [client] = await acquired;
    const ended = new Promise((resolve) => client.once('end', resolve));
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    // The end of the connection arrives while no statement is pending.
    await ended;
    await sql`select 1`.execute(trx);
  });
  await expect(transaction).rejects.toThrow();
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
});
