import { sql } from 'kysely';
import type { Db } from '../core/database.ts';

/** One partition per calendar month (UTC), so that old events are dropped instead of deleted. */
function monthOf(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
}

function nextMonth(month: Date): Date {
  return new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1));
}

function partitionOf(month: Date): string {
  return `events_${month.toISOString().slice(0, 7).replace('-', '_')}`;
}

const known = new WeakMap<Db, Set<number>>();

/** Creates the partitions for events of these times. A process looks up each month once. */
export async function createEventMonths(db: Db, times: readonly Date[]): Promise<void> {
  const created = known.get(db) ?? new Set();
  known.set(db, created);
  for (const month of new Set(times.map((at) => monthOf(at).getTime()))) {
    if (created.has(month)) continue;
    await createMonth(db, new Date(month));
    created.add(month);
  }
}

async function createMonth(db: Db, month: Date): Promise<void> {
  const name = partitionOf(month);
  if (await exists(db, name)) return;
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('event month'))`.execute(trx);
    if (await exists(trx, name)) return;
    // The table is created alone and attached afterwards, because `create table … partition of` would lock
    // the parent exclusively.
    await sql`create table ${sql.table(name)} (like events including all)`.execute(trx);
    const [from, to] = [month, nextMonth(month)].map((bound) => sql.lit(bound.toISOString()));
    await sql`
      alter table events
      attach partition ${sql.table(name)} for values from (${from}) to (${to})`.execute(trx);
  });
}

async function exists(db: Db, name: string): Promise<boolean> {
  const { rows } = await sql`
    select 1
    from pg_class part
    join pg_inherits link on link.inhrelid = part.oid
    where part.relname = ${name} and link.inhparent = 'events'::regclass`.execute(db);
  return rows.length > 0;
}

/** Drops months that ended before, and keys of events received before. Answers the number of months. */
export async function dropEventsBefore(db: Db, before: Date): Promise<number> {
  const oldest = partitionOf(monthOf(before));
  const { rows } = await sql<{ name: string }>`
    select part.relname as name
    from pg_inherits link
    join pg_class part on part.oid = link.inhrelid
    where link.inhparent = 'events'::regclass and part.relname < ${oldest}
    order by 1`.execute(db);
  for (const { name } of rows) await sql`drop table if exists ${sql.table(name)}`.execute(db);
  await db.deleteFrom('event_keys').where('received_at', '<', before).execute();
  return rows.length;
}
