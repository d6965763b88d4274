import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

/** The span of one partition. Deliveries of pushes that are prepared within it are dropped together. */
const PARTITION_MS = 30 * 60_000;
const STALE_MS = 30 * 60_000;
const PARTITIONED = ['deliveries', 'open_events'] as const;

export function partitionStartOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / PARTITION_MS) * PARTITION_MS);
}

/** The partition itself: naming it spares the planner a look at every other one. */
export function deliveriesOf(start: Date): RawBuilder<unknown> {
  return sql.table(partitionName('deliveries', start));
}

/**
 * Creates the partition of every partitioned table in a transaction of its own, so that the lock is short.
 */
export async function createPartition(db: Db, start: Date): Promise<void> {
  if (await hasPartition(db, start)) return;
  await db.transaction().execute(async (trx) => {
    await lockPartition(trx, start);
    if (!(await hasPartition(trx, start))) await createTables(trx, start);
  });
}

/** Keeps the partition from being dropped until the end of the transaction. Returns whether it exists. */
export async function holdPartition(trx: Transaction<Schema>, start: Date): Promise<boolean> {
  await sql`select pg_advisory_xact_lock_shared(hashtext('partition'), ${partitionNumber(start)}::int)`.execute(
    trx,
  );
  return await hasPartition(trx, start);
}

async function hasPartition(db: Db, start: Date): Promise<boolean> {
  const name = partitionName('deliveries', start);
  const { rows } = await sql`
    select 1
    from pg_class class
    join pg_inherits part on part.inhrelid = class.oid
    where class.relname = ${name}`.execute(db);
  return rows.length > 0;
}

async function createTables(trx: Transaction<Schema>, start: Date): Promise<void> {
  const end = new Date(start.getTime() + PARTITION_MS);
  for (const table of PARTITIONED) {
    const name = partitionName(table, start);
    // The table is created alone and then attached: creating a partition would lock the parent exclusively.
    await sql`
      create table ${sql.table(name)} (like ${sql.table(table)} including all)
      with (fillfactor = 50)`.execute(trx);
    await sql`
      alter table ${sql.table(table)} attach partition ${sql.table(name)}
      for values from (${sql.lit(start.toISOString())}) to (${sql.lit(end.toISOString())})`.execute(trx);
  }
}

/**
 * Drops the partition of every table unless a push still needs it, and returns whether it is gone. A push
 * that was prepared long ago and has not started is prepared again before it starts, so that it does not keep
 * the deliveries of other pushes. A push that waits for its time keeps its numbers, and a push that users
 * join is never prepared again.
 */
export async function dropPartition(
  db: Db,
  { partitionStart: start, now }: { partitionStart: Date; now: Date },
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    await lockPartition(trx, start);
    if (now.getTime() > start.getTime() + PARTITION_MS + STALE_MS) await forgetUnstarted(trx, start, now);
    const needed = await trx
      .selectFrom('pushes')
      .select('no')
      .where('partition_start', '=', start)
      .where('deliveries_deleted_at', 'is', null)
      .limit(1)
      .executeTakeFirst();
    if (needed !== undefined) return false;
    for (const table of PARTITIONED) {
      await sql`drop table if exists ${sql.table(partitionName(table, start))}`.execute(trx);
    }
    return true;
  });
}

async function forgetUnstarted(trx: Transaction<Schema>, start: Date, now: Date): Promise<void> {
  const pushes = await trx
    .updateTable('pushes')
    .set({ partition_start: null })
    .where('partition_start', '=', start)
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

/** The starts of all partitions. */
export async function listPartitions(db: Db): Promise<Date[]> {
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

function partitionNumber(start: Date): number {
  return Math.floor(start.getTime() / PARTITION_MS);
}

async function lockPartition(trx: Transaction<Schema>, start: Date): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('partition'), ${partitionNumber(start)}::int)`.execute(trx);
}

function partitionName(table: (typeof PARTITIONED)[number], start: Date): string {
  const stamp = start.toISOString().slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '_');
  return `${table}_${stamp}`;
}
