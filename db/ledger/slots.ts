import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

/** How long a slot is. Deliveries of pushes that start within one slot are dropped together. */
const SLOT_MS = 30 * 60_000;
const STALE_MS = 30 * 60_000;
const PARTITIONED = ['deliveries', 'open_events'] as const;

export function slotOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / SLOT_MS) * SLOT_MS);
}

/** The partition itself: naming it spares the planner a look at every other one. */
export function deliveriesOf(slot: Date): RawBuilder<unknown> {
  return sql.table(partitionName('deliveries', slot));
}

/** Creates the partitions of the slot in a transaction of their own, so that its lock is short. */
export async function createSlot(db: Db, slot: Date): Promise<void> {
  if (await hasSlot(db, slot)) return;
  await db.transaction().execute(async (trx) => {
    await lockSlot(trx, slot);
    if (!(await hasSlot(trx, slot))) await createPartitions(trx, slot);
  });
}

/** Keeps the slot from being dropped to the end of the transaction; says whether it exists. */
export async function holdSlot(trx: Transaction<Schema>, slot: Date): Promise<boolean> {
  await sql`select pg_advisory_xact_lock_shared(hashtext('slot'), ${slotNumber(slot)}::int)`.execute(trx);
  return await hasSlot(trx, slot);
}

async function hasSlot(db: Db, slot: Date): Promise<boolean> {
  const name = partitionName('deliveries', slot);
  const { rows } = await sql`
    select 1
    from pg_class class
    join pg_inherits part on part.inhrelid = class.oid
    where class.relname = ${name}`.execute(db);
  return rows.length > 0;
}

async function createPartitions(trx: Transaction<Schema>, slot: Date): Promise<void> {
  const end = new Date(slot.getTime() + SLOT_MS);
  for (const table of PARTITIONED) {
    const name = partitionName(table, slot);
    // The table is created alone and then attached: creating a partition would lock the parent exclusively.
    await sql`
      create table ${sql.table(name)} (like ${sql.table(table)} including all)
      with (fillfactor = 50)`.execute(trx);
    await sql`
      alter table ${sql.table(table)} attach partition ${sql.table(name)}
      for values from (${sql.lit(slot.toISOString())}) to (${sql.lit(end.toISOString())})`.execute(trx);
  }
}

/**
 * Drops the partitions of the slot unless a push still needs them, and says whether they are gone. A push
 * that was prepared long ago and has not started is prepared again before it starts, so that it does not keep
 * the deliveries of other pushes. A push that waits for its time keeps its numbers, and a push that users
 * join is never prepared again.
 */
export async function dropSlot(db: Db, { slot, now }: { slot: Date; now: Date }): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    await lockSlot(trx, slot);
    if (now.getTime() > slot.getTime() + SLOT_MS + STALE_MS) await forgetUnstarted(trx, slot, now);
    const needed = await trx
      .selectFrom('pushes')
      .select('no')
      .where('slot', '=', slot)
      .where('details_deleted_at', 'is', null)
      .limit(1)
      .executeTakeFirst();
    if (needed !== undefined) return false;
    for (const table of PARTITIONED) {
      await sql`drop table if exists ${sql.table(partitionName(table, slot))}`.execute(trx);
    }
    return true;
  });
}

async function forgetUnstarted(trx: Transaction<Schema>, slot: Date, now: Date): Promise<void> {
  const pushes = await trx
    .updateTable('pushes')
    .set({ slot: null })
    .where('slot', '=', slot)
    .where('started_at', 'is', null)
    .where(
      sql<boolean>`not exists (
        select from leases lease
        where lease.push_no = pushes.no and lease.due_at > ${now}
      )`,
    )
    .where(
      sql<boolean>`not exists (
        select from tasks task
        where task.id = pushes.task_id and task.push_type = 'trigger'
      )`,
    )
    .returning('no')
    .execute();
  if (pushes.length === 0) return;
  const numbers = pushes.map(({ no }) => no);
  await trx.deleteFrom('leases').where('push_no', 'in', numbers).execute();
  await trx.deleteFrom('push_counters').where('push_no', 'in', numbers).execute();
}

/** The slots that have partitions. */
export async function listSlots(db: Db): Promise<Date[]> {
  const { rows } = await sql<{ name: string }>`
    select class.relname as name
    from pg_inherits part
    join pg_class class on class.oid = part.inhrelid
    where part.inhparent = 'deliveries'::regclass
    order by 1`.execute(db);
  return rows.flatMap(({ name }) => {
    const [, date, time] = /_(\d{8})_(\d{4})$/.exec(name) ?? [];
    if (date === undefined || time === undefined) return [];
    const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
    return [new Date(`${day}T${time.slice(0, 2)}:${time.slice(2)}:00Z`)];
  });
}

function slotNumber(slot: Date): number {
  return Math.floor(slot.getTime() / SLOT_MS);
}

async function lockSlot(trx: Transaction<Schema>, slot: Date): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('slot'), ${slotNumber(slot)}::int)`.execute(trx);
}

function partitionName(table: (typeof PARTITIONED)[number], slot: Date): string {
  const stamp = slot.toISOString().slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '_');
  return `${table}_${stamp}`;
}
