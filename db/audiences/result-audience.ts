import { sql } from 'kysely';
import type { DeliveryFilter } from '../../domain/pushes/delivery-filter.ts';
import { type Db, inTransaction } from '../core/database.ts';
import { whereDeliveries } from '../ledger/deliveries.ts';
import { lockLedgerShared } from '../ledger/push-lock.ts';

export interface ResultAudience {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  readonly pushNo: number;
  /** Variant names of the push, indexed by variant number. */
  readonly variants: readonly string[];
  readonly filter: DeliveryFilter;
  readonly createdBy: string;
  readonly now: Date;
}

/**
 * Saves the devices that a filter selects from a push's deliveries as a new audience, and answers their
 * number. Answers 'gone' when the deliveries are deleted, 'unready' while they are still being written. An
 * unknown user of the target stays a user ID. Erased users and devices are left out.
 */
export async function createResultAudience(
  db: Db,
  audience: ResultAudience,
): Promise<number | 'gone' | 'unready'> {
  return await inTransaction(db, async (trx) => {
    const { pushNo, variants, filter } = audience;
    await lockLedgerShared(trx, [pushNo]);
    const push = await trx
      .selectFrom('pushes')
      .select(['id', 'partition_start', 'window_ends_at', 'deliveries_deleted_at', 'next_part_from'])
      .where('no', '=', pushNo)
      .where('app_id', '=', audience.appId)
      .executeTakeFirst();
    if (push === undefined || areDeliveriesGone(push, audience.now)) return 'gone';
    if (push.partition_start === null || push.next_part_from !== null) return 'unready';
    const { id, appId, name, createdBy, now } = audience;
    const made = { created_by: createdBy, created_at: now };
    await trx
      .insertInto('audiences')
      .values({ id, app_id: appId, name, kind: 'result', version: 1, archived_at: null, ...made })
      .execute();
    // A device ID in the stored filter would outlive the erasure of the device.
    const { deviceId: _, ...kept } = filter;
    const source = JSON.stringify({ pushId: push.id, filter: kept });
    await trx
      .insertInto('audience_versions')
      .values({ audience_id: id, version: 1, members: 0, source, ...made })
      .execute();
    const { numAffectedRows } = await sql`
      insert into audience_members (audience_id, version, kind, id)
      select ${id}, 1, case when d.reason = 'unknown_user' then 1 else 0 end, d.device_id
      from deliveries d where ${whereDeliveries({ pushNo, partitionStart: push.partition_start, variants }, filter)}
        and d.device_id <> ''
      on conflict do nothing`.execute(trx);
    const members = Number(numAffectedRows ?? 0);
    await trx.updateTable('audience_versions').set({ members }).where('audience_id', '=', id).execute();
    return members;
  });
}

/** Deliveries are hidden from the end of the window on, although they are deleted a little later. */
export function areDeliveriesGone(
  push: { window_ends_at: Date | null; deliveries_deleted_at: Date | null },
  now: Date,
): boolean {
  return push.deliveries_deleted_at !== null || (push.window_ends_at !== null && push.window_ends_at <= now);
}
