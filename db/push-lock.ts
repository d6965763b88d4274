import { sql, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

const LOCK_CLASS = 7301;

/**
 * Held by whoever counts receipts or reads a push's details for an audience: many at once, none while the push is
 * being finalised, so that no receipt was answered and is missing in the frozen numbers. What is to be
 * sure is read after it, since every statement sees only what was committed before it.
 */
export async function lockLedgerShared(trx: Transaction<Schema>, pushNos: readonly number[]): Promise<void> {
  const keys = [...new Set(pushNos.map(lockKey))].sort((a, b) => a - b);
  await sql`select pg_advisory_xact_lock_shared(${sql.lit(LOCK_CLASS)}, key) from unnest(${keys}::int[]) key`.execute(
    trx,
  );
}

/** For finalising: waits until the receipts under way are committed, and keeps later ones out until the end of the transaction. */
export async function lockLedgerExclusive(trx: Transaction<Schema>, pushNo: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS)}, ${lockKey(pushNo)})`.execute(trx);
}

/** Held while a part of the audience is written; whoever takes it then sees the part. */
export async function lockParts(trx: Transaction<Schema>, pushNo: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`part ${pushNo}`}, 0))`.execute(trx);
}

function lockKey(pushNo: number): number {
  return pushNo % 2_147_483_647;
}
