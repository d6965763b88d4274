import { sql, type Transaction } from 'kysely';
import type { Receipt, ReceiptResult } from '../domain/receipt.ts';
import { addToCounters, CounterDeltas } from './counters.ts';
import type { Db } from './database.ts';
import { shareLedger } from './push-lock.ts';
import { applyReceipt, type ReceiptRow, refuseReceipt } from './receipt-row.ts';
import type { Schema } from './schema.ts';

/** Receipts of one push are counted in so many slots, so that batches seldom wait for each other's counter rows. */
const COUNTER_SLOTS = 8;

export type IndexedReceipt = Receipt & { readonly index: number };

export interface ReceiptBatch {
  /** The server's time of receipt: it decides whether a receipt is late. */
  readonly now: Date;
  readonly appId: string;
  readonly receipts: readonly IndexedReceipt[];
}

interface OpenPush {
  readonly no: number;
  readonly slot: Date;
  /** No receipt is older. */
  readonly since: Date;
}

type Results = Map<number, ReceiptResult>;

/**
 * Counts a batch in one transaction and says what became of each receipt. The same receipts again, in any order,
 * change nothing.
 */
export async function recordReceipts(db: Db, batch: ReceiptBatch): Promise<Results> {
  const results: Results = new Map();
  if (batch.receipts.length === 0) return results;
  const byPush = Map.groupBy(batch.receipts, (receipt) => receipt.pushNo);
  await db.transaction().execute(async (trx) => {
    const pushNos = [...byPush.keys()].sort((a, b) => a - b);
    await shareLedger(trx, pushNos);
    const pushes = await findPushes(trx, batch, pushNos);
    const deltas = new CounterDeltas();
    for (const pushNo of pushNos) {
      const receipts = byPush.get(pushNo) ?? [];
      const push = pushes.get(pushNo);
      if (push === undefined) setAll(results, receipts, 'unknown');
      else if (push === 'late') {
        setAll(results, receipts, 'late');
        deltas.add(pushNo, null, 'late', '', receipts.length);
      } else await countPush(trx, push, receipts, deltas, results);
    }
    await addToCounters(trx, -1 - Math.floor(Math.random() * COUNTER_SLOTS), deltas);
  });
  return results;
}

/** The app's pushes of a batch; one without a slot has no deliveries yet. */
async function findPushes(
  trx: Transaction<Schema>,
  { now, appId }: ReceiptBatch,
  pushNos: number[],
): Promise<Map<number, OpenPush | 'late'>> {
  const { rows } = await sql<{ no: number; slot: Date | null; since: Date; late: boolean }>`
    select no, slot, coalesce(started_at, created_at) as since,
      coalesce(window_ends_at <= ${now}, false) or finalised_at is not null or details_deleted_at is not null as late
    from pushes where no = any(${pushNos}::bigint[]) and app_id = ${appId}`.execute(trx);
  const pushes = new Map<number, OpenPush | 'late'>();
  for (const { no, slot, since, late } of rows) {
    if (late) pushes.set(no, 'late');
    else if (slot !== null) pushes.set(no, { no, slot, since });
  }
  return pushes;
}

async function countPush(
  trx: Transaction<Schema>,
  push: OpenPush,
  receipts: readonly IndexedReceipt[],
  deltas: CounterDeltas,
  results: Results,
): Promise<void> {
  const rows = await lockRows(trx, push, receipts);
  const countable: IndexedReceipt[] = [];
  for (const receipt of receipts) {
    const refusal = refuseReceipt(rows.get(receipt.n), receipt);
    if (refusal === undefined) countable.push({ ...receipt, at: later(receipt.at, push.since) });
    else results.set(receipt.index, refusal);
  }
  const newTaps = await insertOpenEvents(trx, push, countable);
  const changed = new Map<number, ReceiptRow>();
  for (const receipt of countable.sort((a, b) => a.at.getTime() - b.at.getTime())) {
    const row = rows.get(receipt.n);
    if (row === undefined) continue;
    const newTap = receipt.kind === 'open' && newTaps.delete(eventKey(receipt.n, receipt.eventId));
    const result = applyReceipt(row, receipt, newTap, (metric, reason, value) =>
      deltas.add(push.no, row.platform, metric, reason, value),
    );
    results.set(receipt.index, result);
    if (result === 'counted') changed.set(row.n, row);
  }
  await updateRows(trx, push, [...changed.values()]);
}

/** Locked in the order of their numbers, as the senders do. */
async function lockRows(
  trx: Transaction<Schema>,
  push: OpenPush,
  receipts: readonly IndexedReceipt[],
): Promise<Map<number, ReceiptRow>> {
  const { rows } = await sql<ReceiptRow>`
    select n, status, platform, reason, blocked, taps, delivered_at "deliveredAt",
      impression_at "impressionAt", open_at "openAt", dismissed_at "dismissedAt"
    from deliveries
    where slot = ${push.slot} and push_no = ${push.no} and n = any(${distinctNumbers(receipts)}::int[])
    order by n for update`.execute(trx);
  return new Map(rows.map((row) => [row.n, row]));
}

/** The events that were not known before. */
async function insertOpenEvents(
  trx: Transaction<Schema>,
  push: OpenPush,
  receipts: readonly IndexedReceipt[],
): Promise<Set<string>> {
  const opens = receipts.filter((receipt) => receipt.kind === 'open');
  if (opens.length === 0) return new Set();
  const { rows } = await sql<{ n: number; event_id: string }>`
    insert into open_events (slot, push_no, n, event_id, opened_at)
    select ${push.slot}::timestamptz, ${push.no}::bigint, u.* from unnest(
      ${opens.map((open) => open.n)}::int[], ${opens.map((open) => open.eventId)}::text[],
      ${opens.map((open) => open.at)}::timestamptz[]
    ) u
    on conflict do nothing returning n, event_id`.execute(trx);
  return new Set(rows.map((row) => eventKey(row.n, row.event_id)));
}

async function updateRows(trx: Transaction<Schema>, push: OpenPush, rows: ReceiptRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    update deliveries d set delivered_at = u.delivered_at, impression_at = u.impression_at, open_at = u.open_at,
      dismissed_at = u.dismissed_at, blocked = u.blocked, taps = u.taps
    from unnest(
      ${rows.map((row) => row.n)}::int[], ${rows.map((row) => row.deliveredAt)}::timestamptz[],
      ${rows.map((row) => row.impressionAt)}::timestamptz[], ${rows.map((row) => row.openAt)}::timestamptz[],
      ${rows.map((row) => row.dismissedAt)}::timestamptz[], ${rows.map((row) => row.blocked)}::boolean[],
      ${rows.map((row) => row.taps)}::int[]
    ) u (n, delivered_at, impression_at, open_at, dismissed_at, blocked, taps)
    where d.slot = ${push.slot} and d.push_no = ${push.no} and d.n = u.n`.execute(trx);
}

function distinctNumbers(receipts: readonly IndexedReceipt[]): number[] {
  return [...new Set(receipts.map((receipt) => receipt.n))].sort((a, b) => a - b);
}

function eventKey(n: number, eventId: string): string {
  return `${n} ${eventId}`;
}

function later(a: Date, b: Date): Date {
  return a < b ? b : a;
}

function setAll(results: Results, receipts: readonly IndexedReceipt[], result: ReceiptResult): void {
  for (const { index } of receipts) results.set(index, result);
}
