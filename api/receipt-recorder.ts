import type { Db } from '../db/database.ts';
import { type ReceiptBatch, recordReceipts } from '../db/receipts.ts';
import type { ReceiptResult } from '../domain/receipt.ts';

type Results = Map<number, ReceiptResult>;

interface Waiting {
  readonly batch: ReceiptBatch;
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
export function createReceiptRecorder(db: Db): (batch: ReceiptBatch) => Promise<Results> {
  const waiting: Waiting[] = [];
  let busy = 0;
  const drain = async () => {
    busy += 1;
    for (let group = takeGroup(waiting); group.length > 0; group = takeGroup(waiting)) {
      await recordTogether(db, group);
    }
    busy -= 1;
  };
  return (batch) => {
    const { promise, resolve, reject } = Promise.withResolvers<Results>();
    waiting.push({ batch, resolve, reject });
    if (busy < LANES) void drain();
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
async function recordTogether(db: Db, group: readonly Waiting[]): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  const receipts = group.flatMap(({ batch }) => batch.receipts).map((one, index) => ({ ...one, index }));
  try {
    // The earliest time of receipt of the group: nobody is late for having waited here.
    const results = await recordReceipts(db, { ...first.batch, receipts });
    let offset = 0;
    for (const { batch, resolve } of group) {
      const start = offset;
      offset += batch.receipts.length;
      resolve(
        new Map(
          batch.receipts.map(({ index }, place) => [index, results.get(start + place) ?? 'unknown'] as const),
        ),
      );
    }
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}
