import type { Transaction } from 'kysely';
import { reconcile, reconcileVariants, type Statistics } from '../../domain/pushes/metrics.ts';
import { settleContacts } from '../caps/contact-log.ts';
import type { Db } from '../core/database.ts';
import { replaceCounters } from '../ledger/counters.ts';
import { freezeHours, readHours, recountHours } from '../ledger/hours.ts';
import { lockLedgerExclusive } from '../ledger/push-lock.ts';
import { freezeStatistics } from '../ledger/pushes.ts';
import { hasWaitingCallbacks } from '../receipts/receipt-inbox.ts';
import type { Schema } from '../schema/schema.ts';
import { readStatistics, recountCounters, recountedStatistics } from './statistics.ts';

/**
 * Thrown while callbacks of vendors that came within the window are still to be read. Freezing is retried.
 */
class CallbacksWaitError extends Error {
  override name = 'CallbacksWaitError';
}

/**
 * Freezes the statistics as recounted from the rows. Returns the differences of the live counters, and sums
 * that do not add up: none in a sound ledger. A push that is frozen already stays as it is.
 */
export async function finalisePush(
  db: Db,
  args: { push: { no: number; partitionStart: Date | null }; now: Date },
): Promise<string[]> {
  const { no: pushNo, partitionStart } = args.push;
  if (partitionStart !== null) await db.transaction().execute((trx) => settleContacts(trx, pushNo, args.now));
  return await db.transaction().execute(async (trx) => {
    await lockLedgerExclusive(trx, pushNo);
    const live = await readStatistics(trx, { pushNo, now: args.now });
    if (live === undefined || live.final) return [];
    if (await hasWaitingCallbacks(trx, { pushNo, now: args.now })) throw new CallbacksWaitError();
    if (partitionStart === null) {
      await freezeStatistics(trx, { pushNo, statistics: live.statistics, now: args.now });
      return reconcile(live.statistics);
    }
    const recounted = await recountCounters(trx, { pushNo, partitionStart });
    const statistics = recountedStatistics(recounted, live);
    const hours = await finaliseHours(trx, { pushNo, partitionStart });
    await replaceCounters(trx, { pushNo, counters: recounted.counters });
    await freezeStatistics(trx, { pushNo, statistics, now: args.now });
    return [
      ...differences(live.statistics, statistics),
      ...hours,
      ...reconcile(statistics),
      ...reconcileVariants(statistics),
    ];
  });
}

async function finaliseHours(
  trx: Transaction<Schema>,
  { pushNo, partitionStart }: { pushNo: number; partitionStart: Date },
): Promise<string[]> {
  const { since } = await trx
    .selectFrom('pushes')
    .select((eb) => eb.fn.coalesce('started_at', 'created_at').as('since'))
    .where('no', '=', pushNo)
    .executeTakeFirstOrThrow();
  const [live, recounted] = [
    await readHours(trx, pushNo),
    await recountHours(trx, { pushNo, partitionStart, since }),
  ];
  await freezeHours(trx, pushNo, recounted);
  return canonical(live) === canonical(recounted)
    ? []
    : [`hours: counters ${canonical(live)}, rows ${canonical(recounted)}`.slice(0, 1_000)];
}

function differences(live: Statistics, recounted: Statistics): string[] {
  // Late receipts still arrive.
  const keys = (Object.keys(recounted) as (keyof Statistics)[]).filter((key) => key !== 'late');
  return keys
    .filter((key) => canonical(live[key]) !== canonical(recounted[key]))
    .map((key) => `${key}: counters ${canonical(live[key])}, rows ${canonical(recounted[key])}`);
}

/** Text that is equal for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
