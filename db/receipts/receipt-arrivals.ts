import { type RawBuilder, sql } from 'kysely';
import { HOUR_MS } from '../../domain/duration.ts';
import type { Platform } from '../../domain/platform.ts';
import {
  RECEIPT_KINDS,
  RECEIPT_RESULTS,
  type ReceiptKind,
  type ReceiptResult,
  type ReceiptSource,
} from '../../domain/receipts/receipt.ts';
import { numbersText, textsText } from '../core/array-text.ts';
import type { Db } from '../core/database.ts';
import { NO_PLATFORM, platformOf } from '../core/platform-code.ts';

const EPOCH = new Date(0);
const KINDS = ['', ...RECEIPT_KINDS] as const;
const RESULTS = [...RECEIPT_RESULTS, 'error'] as const;
export type ArrivalResult = (typeof RESULTS)[number];
const PLATFORMS = 4;

/** Counts the receipts of one batch by platform, kind and result. */
export class ArrivalTally {
  readonly #counts = new Int32Array(PLATFORMS * KINDS.length * RESULTS.length);

  add(platform: number | undefined, kind: ReceiptKind, result: ReceiptResult): void {
    this.#add(platform ?? NO_PLATFORM, KINDS.indexOf(kind), RESULTS.indexOf(result), 1);
  }

  addRefused({ unknown, error }: { unknown: number; error: number }): void {
    this.#add(NO_PLATFORM, 0, RESULTS.indexOf('unknown'), unknown);
    this.#add(NO_PLATFORM, 0, RESULTS.indexOf('error'), error);
  }

  #add(platform: number, kind: number, result: number, value: number): void {
    const place = ((platform + 1) * KINDS.length + kind) * RESULTS.length + result;
    this.#counts[place] = (this.#counts[place] ?? 0) + value;
  }

  /** Rows in one fixed order, so that two writers cannot deadlock. */
  rows(): { platform: number; kind: string; result: string; value: number }[] {
    return [...this.#counts].flatMap((value, place) => {
      if (value === 0) return [];
      const rest = Math.floor(place / RESULTS.length);
      const kind = KINDS[rest % KINDS.length] ?? '';
      const result = RESULTS[place % RESULTS.length] ?? 'error';
      return [{ platform: Math.floor(rest / KINDS.length) - 1, kind, result, value }];
    });
  }
}

export async function addToArrivals(
  db: Db,
  batch: { appId: string; source: ReceiptSource; shard: number; now: Date; tally: ArrivalTally },
): Promise<void> {
  const rows = batch.tally.rows();
  if (rows.length === 0) return;
  const hour = new Date(Math.floor(batch.now.getTime() / HOUR_MS) * HOUR_MS);
  await sql`
    insert into receipt_arrivals (app_id, hour, shard, source, platform, kind, result, receipts, last_at)
    select ${batch.appId}, ${hour}::timestamptz, ${batch.shard}::smallint, ${batch.source},
      tally.platform, tally.kind, tally.result, tally.value, ${batch.now}::timestamptz
    from unnest(
      ${numbersText(rows.map((row) => row.platform))}::smallint[],
      ${textsText(rows.map((row) => row.kind))}::text[],
      ${textsText(rows.map((row) => row.result))}::text[],
      ${numbersText(rows.map((row) => row.value))}::bigint[]
    ) with ordinality tally (platform, kind, result, value, place)
    order by tally.place
    on conflict (app_id, hour, shard, source, platform, kind, result) do update
    set receipts = receipt_arrivals.receipts + excluded.receipts,
      last_at = greatest(receipt_arrivals.last_at, excluded.last_at)`.execute(db);
}

export interface Arrival {
  readonly source: ReceiptSource;
  /** Null where the platform is not known: for late receipts, and for entries that were no receipts. */
  readonly platform: Platform | null;
  readonly kind: ReceiptKind | null;
  readonly result: ArrivalResult;
  readonly lastAt: Date;
  readonly last24h: number;
}

/** Receipts that came for an app so far, and within the last 24 hours (to the hour). */
export async function readArrivals(db: Db, { appId, now }: { appId: string; now: Date }): Promise<Arrival[]> {
  const since = new Date(now.getTime() - 24 * HOUR_MS);
  const { rows } = await sql<Omit<Arrival, 'platform' | 'kind'> & { platform: number; kind: string }>`
    select source, platform, kind, result, max(last_at) as "lastAt",
      coalesce(sum(receipts) filter (where hour > ${since}), 0)::bigint as "last24h"
    from receipt_arrivals
    where app_id = ${appId}
    group by source, platform, kind, result
    order by source, platform, kind, result`.execute(db);
  return rows.map((row) => ({
    ...row,
    platform: platformOf(row.platform),
    kind: RECEIPT_KINDS.find((kind) => kind === row.kind) ?? null,
  }));
}

/** Hours that are older than the view of a day needs are kept as one row of each kind. */
export async function foldArrivals(db: Db, now: Date): Promise<void> {
  const before = new Date(now.getTime() - 26 * HOUR_MS);
  await sql`
    with old as (
      -- Hours that no view shows any more, but the row that they are folded into.
      delete from receipt_arrivals
      where hour < ${before} and hour > ${EPOCH}
      returning *
    )
    insert into receipt_arrivals (app_id, hour, shard, source, platform, kind, result, receipts, last_at)
    select app_id, ${EPOCH}::timestamptz, 0, source, platform, kind, result, sum(receipts), max(last_at)
    from old
    group by app_id, source, platform, kind, result
    order by 1, 4, 5, 6, 7
    on conflict (app_id, hour, shard, source, platform, kind, result) do update
    set receipts = receipt_arrivals.receipts + excluded.receipts,
      last_at = greatest(receipt_arrivals.last_at, excluded.last_at)`.execute(db);
}

/**
 * A platform whose devices were silent for this long before a push started is not expected to report on it.
 */
export const REPORTING_DAYS = 30;

/** The time of the last report of each platform of these apps: rows (app_id, platform, last_at). */
export function arrivedSql(apps: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select app_id, platform, max(last_at) as last_at
    from receipt_arrivals
    where app_id in (${apps})
      and source = 'sdk'
      and result in ('counted', 'duplicate')
      and platform <> ${sql.lit(NO_PLATFORM)}
    group by app_id, platform`;
}
