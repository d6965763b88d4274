import { sql, type Transaction } from 'kysely';
import type { Schema } from '../schema/schema.ts';

/**
 * Runs statements over rows that have no planner statistics yet. Nested loops over a million rows would take
 * hours where the planner expects a few rows.
 */
export async function withHashJoins<T>(trx: Transaction<Schema>, work: () => Promise<T>): Promise<T> {
  await sql`set local enable_nestloop = off`.execute(trx);
  const result = await work();
  await sql`set local enable_nestloop to default`.execute(trx);
  return result;
}

/** Makes statements find rows by index in spite of stale statistics. */
export async function forbidSeqScan(trx: Transaction<Schema>): Promise<void> {
  await sql`set local enable_seqscan = off`.execute(trx);
}

/** Settings for statements over many devices. JIT costs more than it saves, and memory avoids disk files. */
export async function setBulkSettings(trx: Transaction<Schema>): Promise<void> {
  await sql`
    select set_config('jit', 'off', true),
      set_config('work_mem', '64MB', true)`.execute(trx);
}

/**
 * Settings for statements that a caller waits for, of which few run at a time. The memory is enough to count
 * the events of each of millions of users, and all processors are used. Passing a row between processes costs
 * a tenth of what Postgres assumes. Random pages cost as much as sequential ones, because they are in memory.
 */
export async function setParallelScanSettings(trx: Transaction<Schema>): Promise<void> {
  await sql`
    select set_config('jit', 'off', true),
      set_config('work_mem', '128MB', true),
      set_config('parallel_tuple_cost', '0.01', true),
      set_config('random_page_cost', '1', true)`.execute(trx);
}
