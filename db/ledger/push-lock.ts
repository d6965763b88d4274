import { sql, type Transaction } from 'kysely';
import type { Schema } from '../schema/schema.ts';

const LOCK_CLASS = 7301;

/**
 * Held by transactions that count receipts, or read the deliveries of a push for an audience. Many hold the
 * lock at once, and none while the push is being finalised, so that no answered receipt is missing in the
 * frozen numbers. Facts that the lock protects are read after it, since a statement sees only what was
 * committed before it.
 */
export async function lockLedgerShared(trx: Transaction<Schema>, pushNos: readonly number[]): Promise<void> {
  const keys = [...new Set(pushNos.map(lockKey))].sort((a, b) => a - b);
  await sql`
    select pg_advisory_xact_lock_shared(${sql.lit(LOCK_CLASS)}, key)
    from unnest(${keys}::int[]) key`.execute(trx);
}

/**
 * Waits until the receipts under way are committed, and keeps later ones out until the end of the
 * transaction.
 */
export async function lockLedgerExclusive(trx: Transaction<Schema>, pushNo: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS)}, ${lockKey(pushNo)})`.execute(trx);
}

/** Held while a part of the audience is written. The next holder sees the part. */
export async function lockParts(trx: Transaction<Schema>, pushNo: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`part ${pushNo}`}, 0))`.execute(trx);
}

function lockKey(pushNo: number): number {
  return pushNo % 2_147_483_647;
}
