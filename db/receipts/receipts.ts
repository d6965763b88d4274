import { sql, type Transaction } from 'kysely';
import type { ReceiptResult, ReceiptSource } from '../../domain/receipts/receipt.ts';
import type { IndexedReceipt } from '../../domain/receipts/receipt-reader.ts';
import type { Db } from '../core/database.ts';
import { forbidSeqScan } from '../core/planner-settings.ts';
import { NO_PLATFORM } from '../core/platform-code.ts';
import { withRetry } from '../core/retry.ts';
import { CounterDeltas } from '../ledger/counters.ts';
import { hourDeltas } from '../ledger/hours.ts';
import { lockLedgerShared } from '../ledger/push-lock.ts';
import type { Schema } from '../schema/schema.ts';
import { countLate, type EndedPush } from './late-receipts.ts';
import { ArrivalTally, addToArrivals } from './receipt-arrivals.ts';
import { type OpenPush, resultsOf, updatesOf } from './receipt-batch.ts';
import { consumeTap, insertTaps } from './receipt-taps.ts';
import { type Deltas, writeUpdates } from './receipt-write.ts';

/** The number of counter shards that receipts are spread over, so that batches seldom wait for each other. */
export const COUNTER_SHARDS = 8;

export interface ReceiptBatch {
  /** The server's time of receipt: it decides whether a receipt is late. */
  readonly now: Date;
  readonly appId: string;
  readonly source: ReceiptSource;
  readonly receipts: readonly IndexedReceipt[];
  /** Entries of the request that were no receipts, for the view of what arrives. */
  readonly refused?: { readonly unknown: number; readonly error: number } | undefined;
  /** The counter shard: random unless the caller knows one that is not in use now. */
  readonly shard?: number;
}

const LATE = { platform: NO_PLATFORM, locale: 0, metric: 'late', reason: '' } as const;

type Results = Map<number, ReceiptResult>;

/**
 * Counts a batch in one transaction and returns the result of each receipt. The same receipts again, in any
 * order, change nothing.
 */
export async function recordReceipts(db: Db, batch: ReceiptBatch): Promise<Results> {
  if (batch.receipts.length === 0 && batch.refused === undefined) return new Map();
  return await withRetry(() => db.transaction().execute((trx) => recordReceiptsIn(trx, batch)));
}

/** `recordReceipts` within a transaction that has not read any push yet. */
export async function recordReceiptsIn(trx: Transaction<Schema>, batch: ReceiptBatch): Promise<Results> {
  const results: Results = new Map();
  const arrivals = new ArrivalTally();
  if (batch.refused !== undefined) arrivals.addRefused(batch.refused);
  const deltas: Deltas = { counters: new CounterDeltas(), hours: hourDeltas() };
  await recordPushes(trx, batch, { deltas, arrivals, results });
  const shard = batch.shard ?? Math.floor(Math.random() * COUNTER_SHARDS);
  await deltas.counters.write(trx, -1 - shard);
  await deltas.hours.write(trx, -1 - shard);
  await addToArrivals(trx, { ...batch, shard, tally: arrivals });
  return results;
}

interface Outcome {
  readonly deltas: Deltas;
  readonly arrivals: ArrivalTally;
  readonly results: Results;
}

async function recordPushes(trx: Transaction<Schema>, batch: ReceiptBatch, outcome: Outcome): Promise<void> {
  if (batch.receipts.length === 0) return;
  const byPush = Map.groupBy(batch.receipts, (receipt) => receipt.pushNo);
  const pushNos = [...byPush.keys()].sort((a, b) => a - b);
  // Deliveries are found by their numbers, whatever stale statistics of a young partition say.
  await forbidSeqScan(trx);
  const pushes = await lockOpenPushes(trx, batch, pushNos);
  for (const [pushNo, receipts] of [...byPush].sort(([a], [b]) => a - b)) {
    const push = pushes.get(pushNo);
    if (push === undefined) setAll(outcome, receipts, 'unknown');
    else if (isEnded(push)) {
      setAll(outcome, receipts, 'late');
      outcome.deltas.counters.add(pushNo, LATE, await countLate(trx, push, { ...batch, receipts }));
    } else await countPush(trx, push, receipts, outcome);
  }
}

/**
 * Receipts of an open push wait while the push is being finalised, which may end it. Late receipts do not
 * wait.
 */
async function lockOpenPushes(
  trx: Transaction<Schema>,
  batch: ReceiptBatch,
  pushNos: number[],
): Promise<Map<number, OpenPush | EndedPush>> {
  const pushes = await findPushes(trx, batch, pushNos);
  const open = pushNos.filter((pushNo) => !isEnded(pushes.get(pushNo)));
  await lockLedgerShared(trx, open);
  for (const [pushNo, push] of await findPushes(trx, batch, open)) pushes.set(pushNo, push);
  return pushes;
}

function isEnded(push: OpenPush | EndedPush | undefined): push is EndedPush {
  return push !== undefined && 'endedAt' in push;
}

/** The app's pushes of a batch. A push without a partition has no deliveries yet. */
async function findPushes(
  trx: Transaction<Schema>,
  { now, appId }: ReceiptBatch,
  pushNos: number[],
): Promise<Map<number, OpenPush | EndedPush>> {
  const { rows } = await sql<{ no: number; partitionStart: Date | null; since: Date; ended_at: Date | null }>`
    select no, partition_start as "partitionStart", coalesce(started_at, created_at) as since,
      case
        when window_ends_at <= ${now} or finalised_at is not null or deliveries_deleted_at is not null
          then coalesce(window_ends_at, finalised_at, deliveries_deleted_at)
      end as ended_at
    from pushes
    where no = any(${pushNos}::bigint[])
      and app_id = ${appId}`.execute(trx);
  const pushes = new Map<number, OpenPush | EndedPush>();
  for (const { no, partitionStart, since, ended_at: endedAt } of rows) {
    if (endedAt !== null) pushes.set(no, { no, endedAt });
    else if (partitionStart !== null) pushes.set(no, { no, partitionStart, since: since.getTime() });
  }
  return pushes;
}

async function countPush(
  trx: Transaction<Schema>,
  push: OpenPush,
  receipts: readonly IndexedReceipt[],
  { deltas, arrivals, results }: Outcome,
): Promise<void> {
  const updates = updatesOf(receipts, push.since);
  const taps = await insertTaps(trx, push, receipts);
  const written = await writeUpdates(trx, push, { updates, taps }, deltas);
  for (const update of updates) {
    const delivery = written.get(update.deliveryNo);
    resultsOf(
      update,
      delivery?.changes,
      (receipt) => consumeTap(taps, receipt),
      (receipt, result) => {
        results.set(receipt.index, result);
        arrivals.add(delivery?.platform, receipt.kind, result);
      },
    );
  }
}

function setAll(
  { results, arrivals }: Outcome,
  receipts: readonly IndexedReceipt[],
  result: ReceiptResult,
): void {
  for (const { index, kind } of receipts) {
    results.set(index, result);
    arrivals.add(undefined, kind, result);
  }
}
