import { sql, type Transaction } from 'kysely';
import { MAX_CONCURRENT_LEASES } from '../../domain/pushes/max-concurrent-leases.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { LocalTime } from '../../domain/time/local-time.ts';
import { forgetContacts, logContacts } from '../caps/contact-log.ts';
import { findSuppression, inBulk, type Suppression } from '../caps/suppression.ts';
import type { Db } from '../core/database.ts';
import { setBulkSettings } from '../core/planner-settings.ts';
import { createPartition, deliveriesOf, holdPartition, partitionStartOf } from '../ledger/partitions.ts';
import type { Schema } from '../schema/schema.ts';
import { countGroups, cutLeases, groupDeliveries } from './cut-leases.ts';
import { insertDeliveries, rangesOf } from './insert-deliveries.ts';
import { endOfFirstPart } from './parts.ts';
import { findWaves, type Waves } from './waves.ts';

export interface Prepared {
  readonly planned: number;
  readonly sendable: number;
  /** The time of the first send in epoch milliseconds. Set only where every device has to wait. */
  readonly firstDueAt?: number;
  /** The last lease of the first part of a large audience: `prepareNextPart` writes the next. */
  readonly lastLease?: number;
}

export interface Preparation {
  readonly pushNo: number;
  readonly appId: string;
  readonly definition: TaskDefinition;
  /** The copy of the audience that was made at approval, where the task asks for one. */
  readonly frozenNo?: number | undefined;
  /** The local time of a push at each device's own time, in the zone where that comes first. */
  readonly local?: LocalTime | undefined;
  readonly now: Date;
}

/** Smaller pushes are planned well enough without an ANALYZE. A table takes only one at a time. */
const ANALYZE_ROWS = 10_000;

/**
 * Writes one delivery for each planned device, with the reason when it is unreachable, numbers those to be
 * sent from 1, and cuts the numbers into leases. All of it happens in one transaction, so that another run
 * starts over in the current partition. A large audience, in which each device is judged by itself, is
 * written in parts: the first devices are sent to while the others are prepared.
 */
export async function prepareRecipients(db: Db, args: Preparation): Promise<Prepared> {
  const partitionStart = partitionStartOf(args.now);
  await createPartition(db, partitionStart);
  const prepared = await db.transaction().execute((trx) => prepareIn(trx, partitionStart, args));
  if (prepared.planned >= ANALYZE_ROWS) await analyse(db, partitionStart);
  return prepared;
}

async function prepareIn(
  trx: Transaction<Schema>,
  partitionStart: Date,
  args: Preparation,
): Promise<Prepared> {
  const { pushNo, frozenNo, now } = args;
  const push = await lockUnstarted(trx, pushNo);
  if (push.partition_start !== null) await forgetPreparation(trx, pushNo, push.partition_start);
  if (!(await holdPartition(trx, partitionStart)))
    throw new Error('the partition was dropped in the meantime: retry');
  await setBulkSettings(trx);
  const suppression = await findSuppression(trx, args);
  const waves = await findWaves(trx, { ...args, hold: suppression.hold });
  const isWhole = frozenNo !== undefined || waves !== undefined || suppression.hasCaps;
  const end = isWhole ? null : await endOfFirstPart(trx, args);
  await trx
    .updateTable('pushes')
    .set({ partition_start: partitionStart, prepared_at: now, next_part_from: end })
    .where('no', '=', pushNo)
    .execute();
  const written = await writeDeliveries(trx, { ...args, partitionStart, waves, suppression, end });
  if (suppression.hasCaps)
    await logContacts(trx, { ...push, no: pushNo, partition_start: partitionStart }, now);
  const { planned, sendable, leases } = written;
  const counts = { planned, sendable, ...(end === null ? {} : { lastLease: leases - 1 }) };
  const firstDueAt = written.firstDueAt?.getTime() ?? 0;
  return firstDueAt > now.getTime() ? { ...counts, firstDueAt } : counts;
}

async function lockUnstarted(trx: Transaction<Schema>, pushNo: number) {
  const push = await trx
    .selectFrom('pushes')
    .select(['partition_start', 'started_at', 'app_id', 'task_id', 'revision'])
    .where('no', '=', pushNo)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (push.started_at !== null) throw new Error('a push that has started cannot be prepared again');
  return push;
}

interface Planned extends Preparation {
  readonly partitionStart: Date;
  readonly waves: Waves | undefined;
  readonly suppression: Suppression;
  /** The first device of the next part; null where there is one part only. */
  readonly end: number | null;
}

async function writeDeliveries(
  trx: Transaction<Schema>,
  { end, ...args }: Planned,
): Promise<{ planned: number; sendable: number; leases: number; firstDueAt: Date | null }> {
  const { pushNo, partitionStart, waves, suppression, frozenNo } = args;
  const { written, sizes } = await inBulk(trx, suppression, () =>
    insertDeliveries(trx, { ...args, frozenNo, between: [0, end] }),
  );
  const ranges = rangesOf(waves, sizes);
  const grouped = await groupDeliveries(trx, { pushNo, partitionStart, ranges, written });
  await countGroups(trx, pushNo, grouped);
  const leases = await cutLeases(trx, {
    pushNo,
    ranges,
    grouped,
    ...(end === null ? {} : { lanes: MAX_CONCURRENT_LEASES }),
  });
  const { planned, sendable } = grouped;
  return { planned, sendable, leases, firstDueAt: ranges[0]?.dueAt ?? null };
}

/**
 * Brings the statistics of a partition up to date: the first claims would be planned for an empty table. The
 * first request waits for it, so the sample is small.
 */
export async function analyse(db: Db, partitionStart: Date): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local default_statistics_target = 10`.execute(trx);
    await sql`analyze ${deliveriesOf(partitionStart)} (push_no, delivery_no, status, platform, device_no)`.execute(
      trx,
    );
  });
}

async function forgetPreparation(
  trx: Transaction<Schema>,
  pushNo: number,
  partitionStart: Date,
): Promise<void> {
  await trx
    .deleteFrom('deliveries')
    .where('partition_start', '=', partitionStart)
    .where('push_no', '=', pushNo)
    .execute();
  await forgetContacts(trx, pushNo);
  await trx.deleteFrom('leases').where('push_no', '=', pushNo).execute();
  await trx.deleteFrom('push_counters').where('push_no', '=', pushNo).execute();
}
