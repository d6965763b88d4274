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
export async function setBulkSettings(trx: Db): Promise<void> {
  await sql`select set_config('jit', 'off', true), set_config('work_mem', '64MB', true)`.execute(trx);
}

/**
 * For a statement that somebody waits for, of which few run at a time: memory to count the events of each of millions
 * of users, and all processors. Handing a row from one process to another costs a tenth of what Postgres assumes, and a
 * page costs the same wherever it lies: in memory.
 */
export async function setParallelScanSettings(trx: Db): Promise<void> {
  await sql`select set_config('jit', 'off', true), set_config('work_mem', '128MB', true),
    set_config('parallel_tuple_cost', '0.01', true), set_config('random_page_cost', '1', true)`.execute(trx);
}
