import type { Db } from '../db/database.ts';
import { COUNTER_SLOTS, type ReceiptBatch, recordReceipts } from '../db/receipts.ts';
import type { ReceiptResult } from '../domain/receipt.ts';
import type { IndexedReceipt } from '../domain/receipt-reader.ts';

type Batch = Omit<ReceiptBatch, 'slot'>;
export type Results = ReadonlyMap<number, ReceiptResult>;

interface Waiting {
  readonly batch: Batch;
  readonly resolve: (results: Results) => void;
  readonly reject: (error: unknown) => void;
}

/** Transactions at a time; what arrives meanwhile goes together into the next one. */
const LANES = 2;
const MAX_TOGETHER = 5_000;

/**
 * Devices report one receipt or two at a time. What waits for a free transaction shares the next one, so that
 * many small reports cost few commits; a report that finds a free one does not wait.
 */
export function createReceiptRecorder(db: Db): (batch: Batch) => Promise<Results> {
  const waiting: Waiting[] = [];
  // Each lane counts in slots of its own, so that two of a process never wait for each other's rows.
  const first = Math.floor(Math.random() * COUNTER_SLOTS);
  const free = Array.from({ length: LANES }, (_, lane) => (first + lane) % COUNTER_SLOTS);
  const drain = async (slot: number) => {
    for (let group = takeGroup(waiting); group.length > 0; group = takeGroup(waiting)) {
      await recordTogether(db, group, slot);
    }
    free.push(slot);
  };
  return (batch) => {
    const { promise, resolve, reject } = Promise.withResolvers<Results>();
    waiting.push({ batch, resolve, reject });
    const slot = free.pop();
    if (slot !== undefined) void drain(slot);
    return promise;
  };
}

/** The reports of one app that go into one transaction; at least one, however large. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  const first = waiting[0];
  if (first === undefined) return [];
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  let size = 0;
  for (const one of waiting.splice(0)) {
    const isFirst = group.length === 0;
    const fits = one.batch.appId === first.batch.appId && size + one.batch.receipts.length <= MAX_TOGETHER;
    if (isFirst || fits) {
      group.push(one);
      size += one.batch.receipts.length;
    } else rest.push(one);
  }
  waiting.push(...rest);
  return group;
}

/** Never rejects: each report hears of its own. */
async function recordTogether(db: Db, group: readonly Waiting[], slot: number): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  try {
    // The earliest time of receipt of the group: nobody is late for having waited here.
    const results = await recordReceipts(db, { ...first.batch, ...together(group), slot });
    let offset = 0;
    for (const { batch, resolve } of group) {
      resolve(resultsFrom(results, batch.receipts, offset));
      offset += batch.receipts.length;
    }
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}

function together(group: readonly Waiting[]): Pick<Batch, 'receipts' | 'refused'> {
  const receipts: IndexedReceipt[] = [];
  let unknown = 0;
  let error = 0;
  for (const { batch } of group) {
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
