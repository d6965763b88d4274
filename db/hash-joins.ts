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
