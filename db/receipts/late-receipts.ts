import { sql, type Transaction } from 'kysely';
import { DAY_MS } from '../../domain/duration.ts';
import { RECEIPT_KINDS } from '../../domain/receipts/receipt.ts';
import type { IndexedReceipt } from '../../domain/receipts/receipt-reader.ts';
import { numbersText } from '../core/array-text.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

/** The number of days after the window of a push during which late receipts are counted. */
const KEPT_DAYS = 30;

/** A push whose window has ended: its deliveries are, or will soon be, gone. */
export interface EndedPush {
  readonly no: number;
  readonly endedAt: Date;
}

/** Returns the number of receipts that are reported for the first time. A delivery has each kind once. */
export async function countLate(
  trx: Transaction<Schema>,
  { no, endedAt }: EndedPush,
  { receipts, now }: { receipts: readonly IndexedReceipt[]; now: Date },
): Promise<number> {
  if (endedAt <= keptSince(now)) return 0;
  const { numAffectedRows = 0n } = await sql`
    insert into late_receipts (ended_at, push_no, delivery_no, kind)
    select ${endedAt}::timestamptz, ${no}::bigint, delivery_no, kind
    from unnest(
      ${numbersText(receipts.map(({ deliveryNo }) => deliveryNo))}::int[],
      ${numbersText(receipts.map(({ kind }) => RECEIPT_KINDS.indexOf(kind)))}::smallint[]
    ) late (delivery_no, kind)
    order by delivery_no, kind
    on conflict do nothing`.execute(trx);
  return Number(numAffectedRows);
}

export async function dropOldLate(db: Db, now: Date): Promise<void> {
  await db.deleteFrom('late_receipts').where('ended_at', '<=', keptSince(now)).execute();
}

function keptSince(now: Date): Date {
  return new Date(now.getTime() - KEPT_DAYS * DAY_MS);
}
