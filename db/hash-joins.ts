import { sql } from 'kysely';
import type { Db } from './database.ts';

/**
 * For statements over rows of which nothing is known when they are planned: joined one by one, a million of them
 * would take hours where the planner has expected a few. Within a transaction.
 */
export async function withHashJoins<T>(trx: Db, work: () => Promise<T>): Promise<T> {
  await sql`set local enable_nestloop = off`.execute(trx);
  const result = await work();
  await sql`set local enable_nestloop to default`.execute(trx);
  return result;
}

/** For statements over many devices: compiling them costs more than it saves, and they sort and hash in memory. Within a transaction. */
export async function useMemory(trx: Db, megabytes = 64): Promise<void> {
  await sql`select set_config('jit', 'off', true), set_config('work_mem', ${`${megabytes}MB`}, true)`.execute(
    trx,
  );
}
