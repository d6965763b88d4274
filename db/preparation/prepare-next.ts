import { MAX_CONCURRENT_LEASES } from '../../domain/pushes/max-concurrent-leases.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { findSuppression } from '../caps/suppression.ts';
import type { Db } from '../core/database.ts';
import { setBulkSettings } from '../core/planner-settings.ts';
import { lockParts } from '../ledger/push-lock.ts';
import { countGroups, cutLeases, cutSoFar, groupDeliveries } from './cut-leases.ts';
import { insertDeliveries, rangesOf } from './insert-deliveries.ts';
import { endOfNextPart } from './parts.ts';
import { analyse } from './prepare.ts';

export interface NextPart {
  /** Devices so far; null when the number is as before. */
  readonly planned: number | null;
  /** Leases above the one that the caller knows, unless they are done. */
  readonly leases: readonly number[];
  readonly hasMore: boolean;
}

/**
 * Writes the next devices of an audience that `prepareRecipients` has begun, above those that may be sent to
 * already. All of it happens in one transaction. A run that repeats another, because the answer was lost,
 * writes the devices that are still missing, and lists all leases.
 */
export async function prepareNextPart(
  db: Db,
  args: { pushNo: number; appId: string; definition: TaskDefinition; lastLease: number; now: Date },
): Promise<NextPart> {
  const { pushNo, appId } = args;
  const part = await db.transaction().execute(async (trx) => {
    // The row of the push is not locked: senders write to it at the same time.
    await lockParts(trx, pushNo);
    const push = await trx
      .selectFrom('pushes')
      .select(['partition_start as partitionStart', 'next_part_from as from', 'prepared_at as plannedAt'])
      .where('no', '=', pushNo)
      .executeTakeFirstOrThrow();
    const { partitionStart, from, plannedAt } = push;
    if (partitionStart === null || plannedAt === null) return { planned: 0, leases: [], hasMore: false };
    const { above, firstLease } = await cutSoFar(trx, { pushNo, partitionStart });
    if (from === null) return { planned: above, leases: await leasesAbove(trx, args), hasMore: false };
    const end = await endOfNextPart(trx, { appId, from, planned: above });
    await setBulkSettings(trx);
    const { written } = await insertDeliveries(trx, {
      ...args,
      partitionStart,
      above,
      between: [from, end],
      plannedAt,
      frozenNo: undefined,
      waves: undefined,
      suppression: await findSuppression(trx, args),
    });
    const ranges = rangesOf(undefined, [], above);
    const grouped = await groupDeliveries(trx, { pushNo, partitionStart, ranges, written, above });
    await countGroups(trx, pushNo, grouped);
    await cutLeases(trx, { pushNo, ranges, grouped, firstLease, lanes: MAX_CONCURRENT_LEASES });
    const { numUpdatedRows } = await trx
      .updateTable('pushes')
      .set({ next_part_from: end })
      .where('no', '=', pushNo)
      .where('partition_start', '=', partitionStart)
      .where('prepared_at', '=', plannedAt)
      .where('next_part_from', '=', from)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new Error('the push was prepared again in the meantime: retry');
    const leases = await leasesAbove(trx, args);
    return {
      planned: above + grouped.planned,
      leases,
      hasMore: end !== null,
      last: end === null ? partitionStart : undefined,
    };
  });
  const { last, ...next } = { last: undefined, ...part };
  if (last !== undefined) await analyse(db, last);
  return next;
}

async function leasesAbove(
  db: Db,
  { pushNo, lastLease }: { pushNo: number; lastLease: number },
): Promise<number[]> {
  const rows = await db
    .selectFrom('leases')
    .select('lease_no')
    .where('push_no', '=', pushNo)
    .where('lease_no', '>', lastLease)
    .where('done', '=', false)
    .orderBy('lease_no')
    .execute();
  return rows.map(({ lease_no }) => lease_no);
}
