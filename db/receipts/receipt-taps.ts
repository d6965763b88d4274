import { sql, type Transaction } from 'kysely';
import type { IndexedReceipt } from '../../domain/receipts/receipt-reader.ts';
import { numbersText, textsText } from '../core/array-text.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { NEVER_SENT } from '../ledger/send-result.ts';
import type { Schema } from '../schema/schema.ts';
import type { OpenPush, Taps } from './receipt-batch.ts';

/** Rows are inserted in the order of the key, so that two batches with the same events cannot deadlock. */
export async function insertTaps(
  trx: Transaction<Schema>,
  push: OpenPush,
  receipts: readonly IndexedReceipt[],
): Promise<Taps> {
  const taps: Taps = new Map();
  const opens = receipts.filter((receipt) => receipt.kind === 'open');
  if (opens.length === 0) return taps;
  const { rows } = await sql<{ delivery_no: number; event_id: string }>`
    insert into open_events (partition_start, push_no, delivery_no, event_id, opened_at)
    select ${push.partitionStart}::timestamptz, ${push.no}::bigint, tap.delivery_no, tap.event_id,
      to_timestamp(tap.at / 1000)
    from unnest(
      ${numbersText(opens.map((open) => open.deliveryNo))}::int[],
      ${textsText(opens.map((open) => open.eventId))}::text[],
      ${numbersText(opens.map((open) => Math.max(open.at, push.since)))}::float8[]
    ) tap (delivery_no, event_id, at)
    join ${deliveriesOf(push.partitionStart)} d on d.push_no = ${push.no} and d.delivery_no = tap.delivery_no
    where d.status <> all(${NEVER_SENT}::smallint[])
      and d.platform is not null
    order by tap.delivery_no, tap.event_id
    on conflict do nothing
    returning delivery_no, event_id`.execute(trx);
  for (const { delivery_no: deliveryNo, event_id } of rows) {
    const events = taps.get(deliveryNo);
    if (events === undefined) taps.set(deliveryNo, new Set([event_id]));
    else events.add(event_id);
  }
  return taps;
}

/** Whether the event of the receipt was new: true once for each. */
export function consumeTap(taps: Taps, { deliveryNo, eventId }: IndexedReceipt): boolean {
  return taps.get(deliveryNo)?.delete(eventId) ?? false;
}
