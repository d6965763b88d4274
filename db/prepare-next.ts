import { sql } from 'kysely';
import type { TaskDefinition } from '../domain/task-definition.ts';
import { countAndCut } from './cut-leases.ts';
import type { Db } from './database.ts';
import { useMemory } from './hash-joins.ts';
import { endOfNextPart, LANES_OF_PART } from './parts.ts';
import { analyse, insertDeliveries, rangesOf } from './prepare.ts';
import { deliveriesOf } from './slots.ts';
import { findSuppression } from './suppression.ts';

export interface NextPart {
  readonly planned: number;
  /** Of what is to be sent; there may be none. */
  readonly leases: readonly number[];
  readonly hasMore: boolean;
}

/**
 * Writes the next devices of an audience that `prepareRecipients` has begun, above those that may be sent to already.
 * In one transaction: run again, it writes the part that is still missing, if any.
 */
export async function prepareNextPart(
  db: Db,
  args: { pushNo: number; appId: string; definition: TaskDefinition; now: Date },
): Promise<NextPart> {
  const { pushNo, appId } = args;
  const written = await db.transaction().execute(async (trx) => {
    // The push's row stays free: senders write to it meanwhile.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`part ${pushNo}`}, 0))`.execute(trx);
    const push = await trx
      .selectFrom('pushes')
      .select(['slot', 'next_device_no as from', 'prepared_at as plannedAt'])
      .where('no', '=', pushNo)
      .executeTakeFirstOrThrow();
    const { slot, from, plannedAt } = push;
    if (slot === null || from === null || plannedAt === null) return undefined;
    const { rows } = await sql<{ above: number; lease: number }>`
      select (select coalesce(max(n), 0)::int from ${deliveriesOf(slot)} where push_no = ${pushNo}) as above,
        (select coalesce(max(lease_no), -1)::int from leases where push_no = ${pushNo}) as lease`.execute(
      trx,
    );
    const { above, lease } = rows[0] ?? { above: 0, lease: -1 };
    const end = await endOfNextPart(trx, { appId, from, planned: above });
    await useMemory(trx);
    const inserted = await insertDeliveries(trx, {
      ...{ ...args, slot, above, between: [from, end], plannedAt },
      ...{ frozenNo: undefined, waves: undefined, suppression: await findSuppression(trx, args) },
    });
    const { planned, leases } = await countAndCut(trx, {
      ...{ pushNo, slot, above, written: inserted.written, ranges: rangesOf(undefined, [], above) },
      ...{ firstLease: lease + 1, lanes: LANES_OF_PART },
    });
    const { numUpdatedRows } = await trx
      .updateTable('pushes')
      .set({ next_device_no: end })
      .where('no', '=', pushNo)
      .where('slot', '=', slot)
      .where('prepared_at', '=', plannedAt)
      .where('next_device_no', '=', from)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new Error('the push was prepared anew meanwhile; try again');
    return { planned, leases, hasMore: end !== null, slot };
  });
  if (written === undefined) return { planned: 0, leases: [], hasMore: false };
  const { slot, ...part } = written;
  if (!part.hasMore) await analyse(db, slot);
  return part;
}
