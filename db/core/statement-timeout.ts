import { sql, type Transaction } from 'kysely';
import type { Schema } from '../schema/schema.ts';
import type { Db } from './database.ts';

/** Makes Postgres cancel each statement of `work` that takes longer, with `SQL_STATE.queryCanceled`. */
export async function withStatementTimeout<T>(
  db: Db,
  timeoutMs: number,
  work: (trx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return await db.transaction().execute(async (trx) => {
    await sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`.execute(trx);
    return await work(trx);
  });
}
