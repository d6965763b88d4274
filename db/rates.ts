import { sql } from 'kysely';
import type { Channel } from '../domain/platform.ts';
import type { Db } from './database.ts';

export function taskRate(taskId: string): string {
  return `task ${taskId}`;
}

export function credentialRate(appId: string, channel: Channel): string {
  return `credential ${appId} ${channel}`;
}

/** Sets a rate, or lifts it (null). Senders under way obey it within a moment. */
export async function putRate(
  db: Db,
  args: { key: string; perSecond: number | null; now: Date },
): Promise<void> {
  if (args.perSecond === null) {
    await db.deleteFrom('rates').where('key', '=', args.key).execute();
    return;
  }
  await db
    .insertInto('rates')
    .values({ key: args.key, per_second: args.perSecond, next_at: args.now })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet((eb) => ({
        per_second: eb.ref('excluded.per_second'),
        // What was reserved at the old rate is not waited for at the new one.
        next_at: sql<Date>`least(rates.next_at, excluded.next_at)`,
      })),
    )
    .execute();
}

export async function findRate(db: Db, key: string): Promise<number | null> {
  const row = await db.selectFrom('rates').select('per_second').where('key', '=', key).executeTakeFirst();
  return row?.per_second ?? null;
}

export async function setTaskRate(
  db: Db,
  { taskId, perSecond, now }: { taskId: string; perSecond: number | null; now: Date },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('tasks').set({ rate_per_second: perSecond }).where('id', '=', taskId).execute();
    await putRate(trx, { key: taskRate(taskId), perSecond, now });
  });
}

/** What a claim is about to use of one rate. */
export interface RateShare {
  readonly key: string;
  /** Of each claimed device; 0.4 when four in ten go through this credential. */
  readonly share: number;
  /** Requests written beyond the tokens taken so far; negative when tokens are left. */
  readonly owed: number;
}

export interface Grant {
  /** How many may be claimed; the wish when no rate applies. */
  readonly count: number;
  readonly waitMs: number;
  /** Taken of each rate that applies. */
  readonly tokens: ReadonlyMap<string, number>;
}

/** How much of a second's rate one grant may take, so that senders share it evenly. */
const SLICE = 0.05;

type Row = { key: string; count: number; tokens: number; wait_ms: number };

/** Takes tokens of all rates that apply, shared by all workers: each grant moves the time at which the next is due. */
export async function takeTokens(
  db: Db,
  args: { rates: readonly RateShare[]; wish: number; now: Date },
): Promise<Grant> {
  const { rates, wish, now } = args;
  const { rows } = await sql<Row>`
    with held as (
      select r.key, greatest(r.next_at, ${now}::timestamptz) as from_at, a.share, a.owed, r.per_second
      from rates r join unnest(
        ${rates.map(({ key }) => key)}::text[], ${rates.map(({ share }) => share)}::float8[],
        ${rates.map(({ owed }) => owed)}::float8[]
      ) a (key, share, owed) on a.key = r.key
      order by r.key for update of r
    ), granted as (
      select least(${wish}::int, min(greatest(1, per_second * ${SLICE}::float8 / nullif(share, 0)))::int) as count
      from held
    ), taken as (
      select held.*, count, greatest(0, count * share + owed) as tokens from held, granted
    )
    update rates r set next_at = t.from_at + t.tokens * interval '1 second' / r.per_second
    from taken t where t.key = r.key
    returning r.key, t.count, t.tokens::float8,
      (extract(epoch from t.from_at - ${now}::timestamptz) * 1000)::float8 as wait_ms`.execute(db);
  return {
    count: rows[0]?.count ?? wish,
    waitMs: rows.reduce((longest, row) => Math.max(longest, row.wait_ms), 0),
    tokens: new Map(rows.map((row) => [row.key, row.tokens])),
  };
}
