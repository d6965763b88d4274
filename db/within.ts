import { sql, type Transaction } from 'kysely';
import type { Db } from './database.ts';
import type { Schema } from './schema.ts';

/** Each of its statements is cancelled when it takes longer: the error is `SQL_STATE.queryCanceled`. */
export async function within<T>(
  db: Db,
  timeoutMs: number,
  work: (trx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return await db.transaction().execute(async (trx) => {
    await sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`.execute(trx);
    return await work(trx);
  });
}
