import { sql, type Transaction } from 'kysely';
import type { Schema } from '../schema/schema.ts';

/**
 * Runs statements over rows that the planner knows nothing about when it plans them: nested loops over a
 * million rows would take hours where the planner has expected a few.
 */
export async function withHashJoins<T>(trx: Transaction<Schema>, work: () => Promise<T>): Promise<T> {
  await sql`set local enable_nestloop = off`.execute(trx);
  const result = await work();
  await sql`set local enable_nestloop to default`.execute(trx);
  return result;
}

/** For statements that find rows by index, whatever stale statistics say. */
export async function forbidSeqScan(trx: Transaction<Schema>): Promise<void> {
  await sql`set local enable_seqscan = off`.execute(trx);
}

/**
 * For statements over many devices: compiling them costs more than it saves, and memory spares files on disk.
 */
export async function setBulkSettings(trx: Transaction<Schema>): Promise<void> {
  await sql`
    select set_config('jit', 'off', true),
      set_config('work_mem', '64MB', true)`.execute(trx);
}

/**
 * For statements that a caller waits for, of which few run at a time: memory to count the events of each of
 * millions of users, and all processors. Handing a row from one process to another costs a tenth of what
 * Postgres assumes, and a page costs the same wherever it lies: in memory.
 */
export async function setParallelScanSettings(trx: Transaction<Schema>): Promise<void> {
  await sql`
    select set_config('jit', 'off', true),
      set_config('work_mem', '128MB', true),
      set_config('parallel_tuple_cost', '0.01', true),
      set_config('random_page_cost', '1', true)`.execute(trx);
}
