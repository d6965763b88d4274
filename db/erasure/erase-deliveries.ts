import { sql, type Transaction } from 'kysely';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { Db } from '../core/database.ts';
import { deliveriesOf, holdPartition } from '../ledger/partitions.ts';
import { lockLedgerShared, lockParts } from '../ledger/push-lock.ts';
import { abandonDevices } from '../ledger/sweep.ts';
import type { Schema } from '../schema/schema.ts';
import { numbersOf, type Subject } from './erase-registry.ts';

interface ErasedDeliveries {
  readonly erased: number;
  /** Requests without an answer: their rows can be erased after it. */
  readonly inFlight: number;
}

interface PushWithDeliveries {
  readonly no: number;
  /** The push may get more devices: its preparation goes on, or users join it. */
  readonly mayGrow: boolean;
}

/** The pushes that have rows of devices, or will have. */
export async function listPushesWithDeliveries(db: Db, appId: string): Promise<PushWithDeliveries[]> {
  const { rows } = await sql<PushWithDeliveries>`
    select no,
      status = 'preparing'
        or next_part_from is not null
        or (closed_at is null and exists (
          select
          from tasks
          where tasks.id = pushes.task_id and tasks.push_type = 'trigger'
        )) as "mayGrow"
    from pushes
    where app_id = ${appId}
      and deliveries_deleted_at is null
      and (partition_start is not null or status = 'preparing')
    order by no`.execute(db);
  return rows;
}

/**
 * Erases the subject from the rows of one push. Waiting messages are not sent, and no row names its
 * recipient. Every row stays and counts as before. Reads the push's rows once: an index by device would cost
 * every push.
 */
export async function eraseDeliveries(
  db: Db,
  { pushNo, subject, now }: { pushNo: number; subject: Subject; now: Date },
): Promise<ErasedDeliveries> {
  return await db.transaction().execute(async (trx) => {
    await lockLedgerShared(trx, [pushNo]);
    // The lock waits for a preparation under way, and keeps the next one out.
    await lockParts(trx, pushNo);
    const push = await trx
      .selectFrom('pushes')
      .select('partition_start')
      .where('no', '=', pushNo)
      .forShare()
      .executeTakeFirst();
    const partitionStart = push?.partition_start ?? null;
    if (partitionStart === null || !(await holdPartition(trx, partitionStart)))
      return { erased: 0, inFlight: 0 };
    const deviceNos = numbersOf(subject.devices);
    for (const leaseNo of await leasesWaiting(trx, { pushNo, partitionStart, deviceNos })) {
      await abandonDevices(trx, { pushNo, leaseNo, partitionStart, now }, { deviceNos, reason: 'cancelled' });
    }
    return await forgetRecipients(trx, { pushNo, partitionStart, deviceNos, userIds: subject.userIds });
  });
}

interface Rows {
  readonly pushNo: number;
  readonly partitionStart: Date;
  readonly deviceNos: readonly number[];
}

const { pending, retry } = STATUS_CODE;

async function leasesWaiting(
  trx: Transaction<Schema>,
  { pushNo, partitionStart, deviceNos }: Rows,
): Promise<number[]> {
  const { rows } = await sql<{ leaseNo: number }>`
    select distinct lease.lease_no as "leaseNo"
    from ${deliveriesOf(partitionStart)} d
    join leases lease on lease.push_no = d.push_no and d.delivery_no between lease.first_no and lease.last_no
    where d.push_no = ${pushNo}
      and d.device_no = any(${deviceNos}::bigint[])
      and d.status in (${pending}, ${retry})
    order by 1`.execute(trx);
  return rows.map(({ leaseNo }) => leaseNo);
}

async function forgetRecipients(
  trx: Transaction<Schema>,
  { pushNo, partitionStart, deviceNos, userIds }: Rows & { userIds: readonly string[] },
): Promise<ErasedDeliveries> {
  const table = deliveriesOf(partitionStart);
  const { numAffectedRows } = await sql`
    update ${table} d
    set device_id = '', device_no = null, token = null, variables = null
    where d.push_no = ${pushNo}
      and d.status not in (${pending}, ${retry})
      and (
        d.device_no = any(${deviceNos}::bigint[])
        or (d.reason = 'unknown_user' and d.device_id = any(${userIds}::text[]))
      )`.execute(trx);
  const { rows } = await sql<{ count: number }>`
    select count(*)
    from ${table} d
    where d.push_no = ${pushNo} and d.device_no = any(${deviceNos}::bigint[])`.execute(trx);
  return { erased: Number(numAffectedRows ?? 0), inFlight: rows[0]?.count ?? 0 };
}
