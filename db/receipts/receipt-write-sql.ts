import { type RawBuilder, sql } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../../domain/content/content-variant.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import { flagsText, numbersText } from '../core/array-text.ts';
import { hourSql, millisecondsSql } from '../ledger/hours.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { NEVER_SENT } from '../ledger/send-result.ts';
import { CHANGE, type DeliveryUpdate, type OpenPush, type Taps } from './receipt-batch.ts';

const HAS_DISMISSALS = sql`(d.platform <> ${sql.lit(PLATFORM_CODE.ios)})`;

/**
 * The deliveries that may have receipts, each with what its receipts report: times `…_ms` in milliseconds.
 */
export function currentDeliveries(
  push: OpenPush,
  { updates, taps }: { readonly updates: readonly DeliveryUpdate[]; readonly taps: Taps },
): RawBuilder<unknown> {
  const times = (of: (update: DeliveryUpdate) => number | null) =>
    sql`${numbersText(updates.map(of))}::float8[]`;
  const tapped = taps.size === 0 ? [] : updates.map(({ deliveryNo }) => taps.get(deliveryNo)?.size ?? 0);
  return sql`
    select d.push_no, d.delivery_no, d.ctid as place, d.status, d.platform, d.reason,
      coalesce(d.variant, 0) / ${sql.lit(VARIANTS_PER_LOCALE)} as locale,
      d.delivered_at, d.impression_at, d.open_at, d.dismissed_at, d.blocked,
      least(
        reported.delivered_ms,
        case when ${HAS_DISMISSALS} then reported.dismissed_ms end
      ) as delivered_ms,
      reported.impression_ms,
      reported.open_ms,
      case when ${HAS_DISMISSALS} then reported.dismissed_ms end as dismissed_ms,
      reported.dismissed_ms is not null and not ${HAS_DISMISSALS} as no_dismissals,
      reported.blocks,
      coalesce(reported.taps, 0) as taps
    from unnest(
      ${numbersText(updates.map(({ deliveryNo }) => deliveryNo))}::int[],
      ${times((update) => update.deliveredAt)},
      ${times((update) => update.impressionAt)},
      ${times((update) => update.openAt)},
      ${times((update) => update.dismissedAt)},
      ${flagsText(updates.map(({ blocked }) => blocked))}::boolean[],
      ${numbersText(tapped)}::int[]
    ) reported (delivery_no, delivered_ms, impression_ms, open_ms, dismissed_ms, blocks, taps)
    join ${deliveriesOf(push.partitionStart)} d on d.push_no = ${push.no}
      and d.delivery_no = reported.delivery_no
    where d.status <> all(${NEVER_SENT}::smallint[])
      and d.platform is not null`;
}

/** The column of each reported time. */
const TIMES = [
  { metric: 'delivered', reported: 'delivered_ms', current: 'delivered_at' },
  { metric: 'impression', reported: 'impression_ms', current: 'impression_at' },
  { metric: 'open', reported: 'open_ms', current: 'open_at' },
  { metric: 'dismissal', reported: 'dismissed_ms', current: 'dismissed_at' },
] as const satisfies readonly { metric: ReceiptKind; reported: string; current: string }[];

/** The bits of `CHANGE` of a row of `current`. */
export const CHANGES: RawBuilder<number> = sql`${sql.join(
  TIMES.map(({ metric, reported, current }) =>
    bitIf(sql`${sql.ref(current)} is null and ${sql.ref(reported)} is not null`, CHANGE[metric]),
  ),
  sql` + `,
)} + ${bitIf(sql`blocks and not blocked`, CHANGE.blocked)}
  + ${bitIf(sql`no_dismissals`, CHANGE.noDismissals)}`;

function bitIf(condition: RawBuilder<unknown>, bit: number): RawBuilder<number> {
  return sql`(${condition})::int * ${sql.lit(bit)}`;
}

/** Whether a row of `written` has that change. */
export function hasChange(change: keyof typeof CHANGE): RawBuilder<boolean> {
  return sql`changes & ${sql.lit(CHANGE[change])} <> 0`;
}

const COUNTED = CHANGE.delivered | CHANGE.impression | CHANGE.open | CHANGE.dismissal | CHANGE.blocked;

/** Whether a row `new` has anything to write. Coalesced, so that the condition may be negated. */
export const HAS_MORE: RawBuilder<boolean> = sql`coalesce(
  new.changes & ${sql.lit(COUNTED)} <> 0
    or new.taps > 0
    or ${sql.join(
      TIMES.map(
        ({ reported, current }) =>
          sql`to_timestamp(new.${sql.ref(reported)} / 1000) < new.${sql.ref(current)}`,
      ),
      sql` or `,
    )},
  false)`;

/** Whether the row `d` is still as `new` was read: what was compared with it holds. */
export const IS_UNCHANGED: RawBuilder<boolean> = sql`d.push_no = new.push_no
  and d.delivery_no = new.delivery_no
  and d.status = new.status
  and d.blocked = new.blocked
  and ${sql.join(
    TIMES.map(({ current }) => sql`d.${sql.ref(current)} is not distinct from new.${sql.ref(current)}`),
    sql` and `,
  )}`;

/** The number of devices that came into an hour, and out of which other hour. An earlier time may become
 * known later. */
export function changesByHour({ since }: OpenPush): RawBuilder<unknown> {
  return sql.join(
    TIMES.map(({ metric, reported, current }) => {
      const hour = hourSql(sql.ref(reported), since);
      const was = hourSql(millisecondsSql(sql.ref(current)), since);
      return sql`
      select ${sql.lit(metric)} as metric, platform, ${hour} as hour, ${was} as was, count(*) as devices
      from written
      where ${sql.ref(reported)} is not null
        and (${sql.ref(current)} is null or ${hour} < ${was})
      group by 2, 3, 4`;
    }),
    sql` union all `,
  );
}
