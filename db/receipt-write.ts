import { type RawBuilder, sql, type Transaction } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../domain/content-variant.ts';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import type { Metric } from '../domain/metrics.ts';
import type { ReceiptKind } from '../domain/receipt.ts';
import { flagsText, numbersText } from './array-text.ts';
import type { CounterDeltas } from './counters.ts';
import { type HourDeltas, hourSql, millisecondsSql } from './hours.ts';
import { NEWS, type Saying } from './receipt-batch.ts';
import type { Taps } from './receipt-taps.ts';
import type { Schema } from './schema.ts';
import { NEVER_SENT, sendOutcome } from './send-result.ts';
import { deliveriesOf } from './slots.ts';

export interface OpenPush {
  readonly no: number;
  readonly slot: Date;
  /** No receipt is older; in milliseconds. */
  readonly since: number;
}

export interface Deltas {
  readonly counters: CounterDeltas;
  readonly hours: HourDeltas;
}

interface Written {
  readonly sayings: readonly Saying[];
  readonly taps: Taps;
  readonly deltas: Deltas;
}

type Group = [
  platform: number,
  locale: number,
  status: number,
  reason: string | null,
  delivered: number,
  impressions: number,
  opens: number,
  dismissals: number,
  blocked: number,
  taps: number,
];
type Hour = [metric: ReceiptKind, platform: number, hour: number, was: number | null, devices: number];

/** Of a delivery that was found: what it learned, and its platform. */
export interface Known {
  readonly news: number;
  readonly platform: number;
}

/** News and platform travel with the number of the delivery, in one number for each. */
const PLATFORM_BASE = 64;
const NUMBER_BASE = 256;

/**
 * Sets what is new or earlier. The earliest time wins, so that the order of arrival does not matter. A receipt that comes
 * before the sender settled the row moves no counter: the settle sees it and counts a success.
 * Rows are found once, by their numbers, and written where they were found. One that somebody else changed at that very
 * moment is left out, and then locked, and written by a statement that sees it as it is.
 */
export async function writeSayings(
  trx: Transaction<Schema>,
  push: OpenPush,
  written: Written,
): Promise<Map<number, Known>> {
  const known = new Map<number, Known>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const sayings = attempt === 1 ? written.sayings : written.sayings.filter(({ n }) => !known.has(n));
    const answer = await writeRows(trx, push, { ...written, sayings }, attempt > 1);
    for (const packed of answer.known) known.set(...unpacked(packed));
    if (answer.known.length === answer.found) return known;
  }
  throw new Error('deliveries that are locked were changed by somebody else');
}

/** As found; locked; and once more, because the lock may have been waited for. */
const ATTEMPTS = 3;

/** One statement, in the order of the numbers, as senders do; it says what changed, summed up. */
async function writeRows(
  trx: Transaction<Schema>,
  push: OpenPush,
  { sayings, taps, deltas }: Written,
  isLocking: boolean,
): Promise<{ found: number; known: number[] }> {
  const { rows } = await sql<{ found: number; known: number[]; groups: Group[]; hours: Hour[] }>`
    with found as materialized (
      ${findDeliveries(push, sayings, taps)} order by u.n ${isLocking ? sql`for update of d` : sql``}
    ), news as materialized (
      select *, ${NEWS_SQL} as news from found
    ), written as (
      update ${deliveriesOf(push.slot)} d set
        delivered_at = least(d.delivered_at, to_timestamp(o.delivered / 1000)),
        impression_at = least(d.impression_at, to_timestamp(o.impression / 1000)),
        open_at = least(d.open_at, to_timestamp(o.open / 1000)),
        dismissed_at = least(d.dismissed_at, to_timestamp(o.dismissed / 1000)),
        blocked = d.blocked or o.blocks, taps = d.taps + o.taps
      from news o
      where d.ctid = o.place and ${HAS_MORE} and ${IS_AS_FOUND}
      returning o.*
    )
    select
      (select count(*) from found) as found,
      (select coalesce(json_agg((n::bigint * ${sql.lit(NUMBER_BASE)}) + platform * ${sql.lit(PLATFORM_BASE)} + news), '[]')
        from (select n, platform, news from written union all select n, platform, news from news o where not ${HAS_MORE}) told
      ) as known,
      (select coalesce(json_agg(json_build_array(platform, locale, status, reason, c1, c2, c4, c8, c16, taps)), '[]') from (
        select platform, locale, status, reason, ${COUNT_BITS}, sum(taps) as taps
        from written where news & 31 <> 0 or taps > 0 group by platform, locale, status, reason
      ) groups) as groups,
      (select coalesce(json_agg(json_build_array(metric, platform, hour, was, devices)), '[]') from (
        ${changesByHour(push)}
      ) hours) as hours`.execute(trx);
  const [answer] = rows;
  for (const group of answer?.groups ?? []) countGroup(push.no, group, deltas.counters);
  for (const [metric, platform, hour, was, devices] of answer?.hours ?? []) {
    deltas.hours.add({ push_no: push.no, hour, platform, metric }, devices);
    if (was !== null) deltas.hours.add({ push_no: push.no, hour: was, platform, metric }, -devices);
  }
  return { found: answer?.found ?? 0, known: answer?.known ?? [] };
}

/** The deliveries that may have receipts, each with what its receipts say; times in milliseconds. */
function findDeliveries(push: OpenPush, sayings: readonly Saying[], taps: Taps): RawBuilder<unknown> {
  const times = (of: (saying: Saying) => number | null) => sql`${numbersText(sayings.map(of))}::float8[]`;
  const tapped =
    taps.size === 0 ? numbersText([]) : numbersText(sayings.map(({ n }) => taps.get(n)?.size ?? 0));
  return sql`
    select d.push_no, d.n, d.ctid as place, d.status, d.platform, d.reason,
      coalesce(d.variant, 0) / ${sql.lit(VARIANTS_PER_LOCALE)} as locale,
      d.delivered_at, d.impression_at, d.open_at, d.dismissed_at, d.blocked,
      least(u.delivered, case when ${HAS_DISMISSALS} then u.dismissed end) as delivered, u.impression, u.open,
      case when ${HAS_DISMISSALS} then u.dismissed end as dismissed,
      u.dismissed is not null and not ${HAS_DISMISSALS} as no_dismissals,
      u.blocked as blocks, coalesce(u.taps, 0) as taps
    from unnest(
      ${numbersText(sayings.map(({ n }) => n))}::int[], ${times((saying) => saying.deliveredAt)},
      ${times((saying) => saying.impressionAt)}, ${times((saying) => saying.openAt)},
      ${times((saying) => saying.dismissedAt)}, ${flagsText(sayings.map(({ blocked }) => blocked))}::boolean[],
      ${tapped}::int[]
    ) u (n, delivered, impression, open, dismissed, blocked, taps)
      join ${deliveriesOf(push.slot)} d on d.push_no = ${push.no} and d.n = u.n
    where d.status <> all(${NEVER_SENT}::smallint[]) and d.platform is not null`;
}

const HAS_DISMISSALS = sql`(d.platform <> ${sql.lit(PLATFORM_CODE.ios)})`;

const NEWS_SQL = sql`(delivered_at is null and delivered is not null)::int * ${sql.lit(NEWS.delivered)}
  + (impression_at is null and impression is not null)::int * ${sql.lit(NEWS.impression)}
  + (open_at is null and open is not null)::int * ${sql.lit(NEWS.open)}
  + (dismissed_at is null and dismissed is not null)::int * ${sql.lit(NEWS.dismissal)}
  + (blocks and not blocked)::int * ${sql.lit(NEWS.blocked)}
  + no_dismissals::int * ${sql.lit(NEWS.noDismissals)}`;

const COUNT_BITS = sql.join(
  [1, 2, 4, 8, 16].map(
    (bit) => sql`count(*) filter (where news & ${sql.lit(bit)} <> 0) as ${sql.ref(`c${bit}`)}`,
  ),
);

const TIMES = [
  { metric: 'delivered', said: 'delivered', known: 'delivered_at' },
  { metric: 'impression', said: 'impression', known: 'impression_at' },
  { metric: 'open', said: 'open', known: 'open_at' },
  { metric: 'dismissal', said: 'dismissed', known: 'dismissed_at' },
] as const satisfies readonly { metric: ReceiptKind; said: string; known: string }[];

/** Coalesced, so that it may be negated. */
const HAS_MORE = sql`coalesce(o.news & 31 <> 0 or o.taps > 0 or ${sql.join(
  TIMES.map(({ said, known }) => sql`to_timestamp(o.${sql.ref(said)} / 1000) < o.${sql.ref(known)}`),
  sql` or `,
)}, false)`;

/** Nobody changed the row since the statement began, or it looks as though: what was found of it holds. */
const IS_AS_FOUND = sql`d.push_no = o.push_no and d.n = o.n and d.status = o.status and d.blocked = o.blocked and ${sql.join(
  TIMES.map(({ known }) => sql`d.${sql.ref(known)} is not distinct from o.${sql.ref(known)}`),
  sql` and `,
)}`;

/** How many devices came into an hour, and out of which other one: an earlier time may become known later. */
function changesByHour({ since }: OpenPush): RawBuilder<unknown> {
  return sql.join(
    TIMES.map(({ metric, said, known }) => {
      const hour = hourSql(sql.ref(said), since);
      const was = hourSql(millisecondsSql(sql.ref(known)), since);
      return sql`select ${sql.lit(metric)} as metric, platform, ${hour} as hour, ${was} as was, count(*) as devices
        from written where ${sql.ref(said)} is not null
          and (${sql.ref(known)} is null or ${hour} < ${was}) group by 2, 3, 4`;
    }),
    sql` union all `,
  );
}

function countGroup(pushNo: number, group: Group, counters: CounterDeltas): void {
  const [platform, locale, status, reason, delivered, impressions, opens, dismissals, blocked, taps] = group;
  const add = (metric: Metric, value: number, why = '') =>
    counters.add(pushNo, { platform, locale, metric, reason: why }, value);
  const before = sendOutcome({ platform, status, reason, receipted: false });
  const after = sendOutcome({ platform, status, reason, receipted: true });
  if (before !== undefined && after !== undefined && before.metric !== after.metric) {
    add(before.metric, -delivered, before.reason);
    add(after.metric, delivered, after.reason);
  }
  add('impression', impressions);
  add('open', opens);
  add('dismissal', dismissals);
  add('blocked', blocked);
  add('taps', taps);
}

function unpacked(packed: number): [number, Known] {
  const low = packed % NUMBER_BASE;
  const known = { news: low % PLATFORM_BASE, platform: Math.floor(low / PLATFORM_BASE) };
  return [Math.floor(packed / NUMBER_BASE), known];
}
