import { type RawBuilder, sql } from 'kysely';
import type { ReceiptKind } from '../domain/receipt.ts';
import { numbersText, textsText } from './array-text.ts';
import type { Db } from './database.ts';
import { deliveriesOf } from './slots.ts';

const HOUR_MS = 3_600_000;
/** What frozen hours stand under, alone. */
const FROZEN_SLOT = 0;

interface Delta {
  readonly pushNo: number;
  readonly hour: number;
  readonly platform: number;
  readonly kind: ReceiptKind;
  value: number;
}

/** Sums changes of hourly counters until they are written together. */
export class HourDeltas {
  readonly #deltas = new Map<string, Delta>();

  add(pushNo: number, hour: number, platform: number, kind: ReceiptKind, value: number): void {
    const key = `${pushNo} ${hour} ${platform} ${kind}`;
    const delta = this.#deltas.get(key);
    if (delta === undefined) this.#deltas.set(key, { pushNo, hour, platform, kind, value });
    else delta.value += value;
  }

  /** In one fixed order, so that two writers never wait for each other crosswise. */
  sorted(): Delta[] {
    return [...this.#deltas]
      .filter(([, delta]) => delta.value !== 0)
      .sort(([a, left], [b, right]) => left.pushNo - right.pushNo || (a < b ? -1 : 1))
      .map(([, delta]) => delta);
  }
}

export async function addToHours(db: Db, slot: number, deltas: HourDeltas): Promise<void> {
  const rows = deltas.sorted();
  if (rows.length === 0) return;
  await sql`
    insert into push_hours (push_no, slot, hour, platform, metric, value)
    select u.push_no, ${slot}::smallint, u.hour, u.platform, u.metric, u.value
    from unnest(
      ${numbersText(rows.map((row) => row.pushNo))}::bigint[], ${numbersText(rows.map((row) => row.hour))}::smallint[],
      ${numbersText(rows.map((row) => row.platform))}::smallint[], ${textsText(rows.map((row) => row.kind))}::text[],
      ${numbersText(rows.map((row) => row.value))}::bigint[]
    ) with ordinality u (push_no, hour, platform, metric, value, place)
    order by u.place
    on conflict (push_no, slot, hour, platform, metric)
    do update set value = push_hours.value + excluded.value`.execute(db);
}

export function millisecondsSql(time: RawBuilder<unknown>): RawBuilder<number> {
  return sql`round(date_part('epoch', ${time}) * 1000)`;
}

/** Which hour of the push a time is in, both in milliseconds. */
export function hourSql(ms: RawBuilder<unknown>, since: number): RawBuilder<number> {
  return sql`floor((${ms} - ${since}::float8) / ${sql.lit(HOUR_MS)})::int`;
}

export interface HourCount {
  readonly hour: number;
  readonly platform: number;
  readonly metric: ReceiptKind;
  readonly value: number;
}

export async function readHours(db: Db, pushNo: number): Promise<HourCount[]> {
  const { rows } = await sql<HourCount>`
    select hour, platform, metric, sum(value)::bigint as value from push_hours
    where push_no = ${pushNo} group by 1, 2, 3 having sum(value) <> 0 order by 1, 2, 3`.execute(db);
  return rows;
}

const TIMES = {
  delivered: 'delivered_at',
  impression: 'impression_at',
  open: 'open_at',
  dismissal: 'dismissed_at',
};

/** The same figures from the raw delivery rows. */
export async function recountHours(
  db: Db,
  { pushNo, slot, since }: { pushNo: number; slot: Date; since: Date },
): Promise<HourCount[]> {
  const parts = Object.entries(TIMES).map(
    ([kind, column]) => sql`
      select ${hourSql(millisecondsSql(sql.ref(column)), since.getTime())} as hour, platform, ${sql.lit(kind)} as metric,
        count(*) as value
      from ${deliveriesOf(slot)} where push_no = ${pushNo} and ${sql.ref(column)} is not null group by 1, 2`,
  );
  const { rows } = await sql<HourCount>`${sql.join(parts, sql` union all `)} order by 1, 2, 3`.execute(db);
  return rows;
}

/** From now on these are the push's hours, whatever was counted before. */
export async function freezeHours(db: Db, pushNo: number, hours: readonly HourCount[]): Promise<void> {
  await db.deleteFrom('push_hours').where('push_no', '=', pushNo).execute();
  const frozen = new HourDeltas();
  for (const { hour, platform, metric, value } of hours) frozen.add(pushNo, hour, platform, metric, value);
  await addToHours(db, FROZEN_SLOT, frozen);
}
