import { sql } from 'kysely';
import type { Channel } from '../../domain/platform.ts';
import type { Db } from '../core/database.ts';

export function taskRate(taskId: string): string {
  return `task ${taskId}`;
}

export function credentialRate(appId: string, channel: Channel): string {
  return `credential ${appId} ${channel}`;
}

/** Sets a rate, or lifts it (null). Senders under way obey the rate within a moment. */
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
        // A reservation at the old rate is not waited for at the new one.
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

/** The share of one rate that a claim is about to use. */
export interface RateShare {
  readonly key: string;
  /** Tokens per claimed device: 0.4 when four in ten go through this credential. */
  readonly share: number;
  /** Requests written beyond the tokens taken so far; negative when tokens are left. */
  readonly owed: number;
}

export interface Grant {
  /** The number of devices that may be claimed: all that were asked for when no rate applies. */
  readonly count: number;
  readonly waitMs: number;
  /** The tokens taken of each rate that applies. */
  readonly tokens: ReadonlyMap<string, number>;
}

/** The part of a second's rate that one grant may take, so that senders share it evenly. */
const SLICE = 0.05;

type Row = { key: string; count: number; tokens: number; wait_ms: number };

/**
 * Takes tokens of all rates that apply. All workers share them: each grant moves the time of the next token.
 */
export async function takeTokens(
  db: Db,
  args: { rates: readonly RateShare[]; wish: number; now: Date },
): Promise<Grant> {
  const { rates, wish, now } = args;
  const { rows } = await sql<Row>`
    with held as (
      -- The rates that apply, locked in the order of their keys.
      select rate.key, greatest(rate.next_at, ${now}::timestamptz) as from_at, rate.per_second,
        asked.share, asked.owed
      from rates rate
      join unnest(
        ${rates.map(({ key }) => key)}::text[],
        ${rates.map(({ share }) => share)}::float8[],
        ${rates.map(({ owed }) => owed)}::float8[]
      ) asked (key, share, owed) on asked.key = rate.key
      order by rate.key
      for update of rate
    ), granted as (
      -- The tightest rate decides how many may be claimed.
      select least(
        ${wish}::int,
        min(greatest(1, per_second * ${SLICE}::float8 / nullif(share, 0)))::int
      ) as count
      from held
    ), taken as (
      select held.*, count, greatest(0, count * share + owed) as tokens
      from held, granted
    )
    update rates rate
    set next_at = taken.from_at + taken.tokens * interval '1 second' / rate.per_second
    from taken
    where taken.key = rate.key
    returning rate.key, taken.count, taken.tokens::float8,
      (extract(epoch from taken.from_at - ${now}::timestamptz) * 1000)::float8 as wait_ms`.execute(db);
  return {
    count: rows[0]?.count ?? wish,
    waitMs: rows.reduce((longest, row) => Math.max(longest, row.wait_ms), 0),
    tokens: new Map(rows.map((row) => [row.key, row.tokens])),
  };
}
