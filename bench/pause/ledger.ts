import type { Pool } from 'pg';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';

export interface Ledger {
  readonly matched: number;
  readonly notSent: number;
  readonly ambiguous: number;
  /** Whether every matched device has an outcome, and the live counters equal the rows. */
  readonly reconciles: boolean;
}

/** The sums of the ledger over all pushes. */
export async function countLedger(pool: Pool): Promise<Ledger> {
  const { rows } = await pool.query<{ status: number; count: number }>(
    'select status, count(*)::int as count from deliveries group by status',
  );
  const counters = await pool.query<{ matched: number }>(
    `select coalesce(sum(value), 0)::int as matched from push_counters where metric = 'matched'`,
  );
  const of = (status: keyof typeof STATUS_CODE) =>
    rows.find((row) => row.status === STATUS_CODE[status])?.count ?? 0;
  const settled = of('accepted') + of('rejected') + of('ambiguous') + of('not_sent');
  const matched = settled + of('pending') + of('retry') + of('suppressed');
  return {
    matched,
    notSent: of('not_sent'),
    ambiguous: of('ambiguous'),
    reconciles: settled + of('suppressed') === matched && matched === counters.rows[0]?.matched,
  };
}
