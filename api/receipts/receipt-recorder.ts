import type { Db } from '../../db/core/database.ts';
import { COUNTER_SHARDS, type ReceiptBatch, recordReceipts } from '../../db/receipts/receipts.ts';
import type { ReceiptResult } from '../../domain/receipts/receipt.ts';
import type { IndexedReceipt } from '../../domain/receipts/receipt-reader.ts';
import { createGroupCommit } from '../http/group-commit.ts';

type Batch = Omit<ReceiptBatch, 'shard'>;
export type Results = ReadonlyMap<number, ReceiptResult>;

/** The limit of concurrent transactions of one process. */
const MAX_TRANSACTIONS = 2;
const MAX_RECEIPTS_PER_TRANSACTION = 5_000;

/** Devices report one or two receipts at a time, so the reports of an app share transactions. */
export function createReceiptRecorder(db: Db): (batch: Batch) => Promise<Results> {
  // Each lane counts in a shard of its own, so that two transactions of a process never wait for each other's rows.
  const firstShard = Math.floor(Math.random() * COUNTER_SHARDS);
  return createGroupCommit({
    concurrency: MAX_TRANSACTIONS,
    maxGroupSize: MAX_RECEIPTS_PER_TRANSACTION,
    sizeOf: ({ receipts }) => receipts.length,
    keyOf: ({ appId }) => appId,
    write: (batches, lane) => recordTogether(db, batches, (firstShard + lane) % COUNTER_SHARDS),
  });
}

async function recordTogether(db: Db, batches: readonly Batch[], shard: number): Promise<Results[]> {
  const [first] = batches;
  if (first === undefined) return [];
  // The earliest time of receipt holds for the group, so that waiting here makes no receipt late.
  const results = await recordReceipts(db, { ...first, ...together(batches), shard });
  let offset = 0;
  return batches.map(({ receipts }) => {
    const own = resultsFrom(results, receipts, offset);
    offset += receipts.length;
    return own;
  });
}

function together(batches: readonly Batch[]): Pick<Batch, 'receipts' | 'refused'> {
  const receipts: IndexedReceipt[] = [];
  let unknown = 0;
  let error = 0;
  for (const batch of batches) {
    for (const receipt of batch.receipts) receipts.push({ ...receipt, index: receipts.length });
    unknown += batch.refused?.unknown ?? 0;
    error += batch.refused?.error ?? 0;
  }
  return { receipts, ...(unknown + error > 0 ? { refused: { unknown, error } } : {}) };
}

function resultsFrom(results: Results, receipts: readonly IndexedReceipt[], offset: number): Results {
  return new Map(
    receipts.map(({ index }, place) => [index, results.get(offset + place) ?? 'unknown'] as const),
  );
}
