import { sql, type Transaction } from 'kysely';
import { MAX_CONCURRENT_LEASES } from '../../domain/pushes/lanes.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { LocalTime } from '../../domain/time/local-time.ts';
import { forgetContacts, logContacts } from '../caps/contact-log.ts';
import { findSuppression, inBulk, type Suppression } from '../caps/suppression.ts';
import type { Db } from '../core/database.ts';
import { setBulkSettings } from '../core/planner-settings.ts';
import { createSlot, deliveriesOf, holdSlot, slotOf } from '../ledger/slots.ts';
import type { Schema } from '../schema/schema.ts';
import { countGroups, cutLeases, groupDeliveries } from './cut-leases.ts';
import { insertDeliveries, rangesOf } from './insert-deliveries.ts';
import { endOfFirstPart } from './parts.ts';
import { findWaves, type Waves } from './waves.ts';

export interface Prepared {
  readonly planned: number;
  readonly sendable: number;
  /** When the first devices may be sent to, in epoch milliseconds; only where all of them have to wait. */
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
 * Writes one delivery for each planned device, with the reason when it is lost, numbers those to be sent from
 * 1, and cuts the numbers into leases. All of it happens in one transaction, so that another run starts
 * afresh in the current slot. A large audience, in which each device is judged by itself, is written in
 * parts: the first devices are sent to while the others are prepared.
 */
export async function prepareRecipients(db: Db, args: Preparation): Promise<Prepared> {
  const slot = slotOf(args.now);
  await createSlot(db, slot);
  const prepared = await db.transaction().execute((trx) => prepareIn(trx, slot, args));
  if (prepared.planned >= ANALYZE_ROWS) await analyse(db, slot);
  return prepared;
}

async function prepareIn(trx: Transaction<Schema>, slot: Date, args: Preparation): Promise<Prepared> {
  const { pushNo, frozenNo, now } = args;
  const push = await lockUnstarted(trx, pushNo);
  if (push.slot !== null) await forgetPreparation(trx, pushNo, push.slot);
  if (!(await holdSlot(trx, slot))) throw new Error('the slot was dropped meanwhile; try again');
  await setBulkSettings(trx);
  const suppression = await findSuppression(trx, args);
  const waves = await findWaves(trx, { ...args, hold: suppression.hold });
  const isWhole = frozenNo !== undefined || waves !== undefined || suppression.hasCaps;
  const end = isWhole ? null : await endOfFirstPart(trx, args);
  await trx
    .updateTable('pushes')
    .set({ slot, prepared_at: now, next_part_from: end })
    .where('no', '=', pushNo)
    .execute();
  const written = await writeDeliveries(trx, { ...args, slot, waves, suppression, end });
  if (suppression.hasCaps) await logContacts(trx, { ...push, no: pushNo, slot }, now);
  const { planned, sendable, leases } = written;
  const counts = { planned, sendable, ...(end === null ? {} : { lastLease: leases - 1 }) };
  const firstDueAt = written.firstDueAt?.getTime() ?? 0;
  return firstDueAt > now.getTime() ? { ...counts, firstDueAt } : counts;
}

async function lockUnstarted(trx: Transaction<Schema>, pushNo: number) {
  const push = await trx
    .selectFrom('pushes')
    .select(['slot', 'started_at', 'app_id', 'task_id', 'revision'])
    .where('no', '=', pushNo)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (push.started_at !== null) throw new Error('a push that has started is not prepared again');
  return push;
}

interface Planned extends Preparation {
  readonly slot: Date;
  readonly waves: Waves | undefined;
  readonly suppression: Suppression;
  /** The first device of the next part; null where there is one part only. */
  readonly end: number | null;
}

async function writeDeliveries(
  trx: Transaction<Schema>,
  { end, ...args }: Planned,
): Promise<{ planned: number; sendable: number; leases: number; firstDueAt: Date | null }> {
  const { pushNo, slot, waves, suppression, frozenNo } = args;
  const { written, sizes } = await inBulk(trx, suppression, () =>
    insertDeliveries(trx, { ...args, frozenNo, between: [0, end] }),
  );
  const ranges = rangesOf(waves, sizes);
  const grouped = await groupDeliveries(trx, { pushNo, slot, ranges, written });
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
export async function analyse(db: Db, slot: Date): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local default_statistics_target = 10`.execute(trx);
    await sql`analyze ${deliveriesOf(slot)} (push_no, n, status, platform, device_no)`.execute(trx);
  });
}

async function forgetPreparation(trx: Transaction<Schema>, pushNo: number, slot: Date): Promise<void> {
  await trx.deleteFrom('deliveries').where('slot', '=', slot).where('push_no', '=', pushNo).execute();
  await forgetContacts(trx, pushNo);
  await trx.deleteFrom('leases').where('push_no', '=', pushNo).execute();
  await trx.deleteFrom('push_counters').where('push_no', '=', pushNo).execute();
}
