import { type RawBuilder, sql } from 'kysely';
import { localesOf } from '../../domain/content/content-locale.ts';
import { variantNames } from '../../domain/content/content-variant.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { DeliveryFilter, DeviceResult } from '../../domain/pushes/delivery-filter.ts';
import type { Db } from '../core/database.ts';
import { containsPattern } from '../core/like.ts';
import { platformOf } from '../core/platform-code.ts';
import { findDefinition } from '../tasks/task-state.ts';
import { sendReasonSql, sendResultSql } from './send-result.ts';

export interface DeviceDelivery {
  /** The delivery's number within its push. */
  readonly deliveryNo: number;
  readonly deviceId: string;
  readonly platform: Platform | null;
  readonly channel: string | null;
  readonly variant: string | null;
  readonly result: DeviceResult;
  /** The reason for a result of failure, unreachable, suppressed or not_sent. */
  readonly reason: string | null;
  readonly blocked: boolean;
  readonly taps: number;
  readonly settledAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly impressionAt: Date | null;
  readonly openAt: Date | null;
  /** Always null on iOS, which does not report dismissals. */
  readonly dismissedAt: Date | null;
}

export interface Ledger {
  readonly pushNo: number;
  readonly partitionStart: Date;
  /** The names of the content's variants, by their numbers. */
  readonly variants: readonly string[];
}

/** The names of the variants that a push has. */
export async function findVariants(
  db: Db,
  { taskId, revision }: { taskId: string; revision: number },
): Promise<readonly string[]> {
  const { content } = await findDefinition(db, { task_id: taskId, revision });
  return variantNames(localesOf(content));
}

const COLUMNS = {
  status: sql.ref('d.status'),
  platform: sql.ref('d.platform'),
  receipted: sql`d.delivered_at is not null`,
  reason: sql.ref('d.reason'),
};
const { pending, retry, unreachable, suppressed, not_sent } = STATUS_CODE;

/** The result of a row of any status. */
const RESULT: RawBuilder<DeviceResult> = sql`coalesce(
  ${sendResultSql(COLUMNS)},
  case d.status
    when ${sql.lit(unreachable)} then 'unreachable'
    when ${sql.lit(suppressed)} then 'suppressed'
    when ${sql.lit(not_sent)} then 'not_sent'
    else 'pending'
  end
)`;

const REASON: RawBuilder<string | null> = sql`case
  when d.status in (${sql.lit(unreachable)}, ${sql.lit(suppressed)}, ${sql.lit(not_sent)}) then d.reason
  when d.status in (${sql.lit(pending)}, ${sql.lit(retry)}) then null
  else nullif(${sendReasonSql(COLUMNS)}, '')
end`;

/** The variant of a content that is the same for every device is its platform. */
const VARIANT = sql`coalesce(d.variant, d.platform)`;

/** The conditions of the filter on `deliveries d`. */
export function whereDeliveries(
  { pushNo, partitionStart, variants }: Ledger,
  filter: DeliveryFilter,
): RawBuilder<unknown> {
  const conditions = [sql`d.partition_start = ${partitionStart} and d.push_no = ${pushNo}`];
  const { result, reason, platform, channel, variant, deviceId } = filter;
  const { delivered, blocked, impression, open, dismissal } = filter;
  if (result !== undefined) conditions.push(sql`${RESULT} = ${result}`);
  if (reason !== undefined) conditions.push(sql`${REASON} = ${reason}`);
  if (platform !== undefined) conditions.push(sql`d.platform = ${PLATFORM_CODE[platform]}`);
  if (channel !== undefined) conditions.push(sql`d.channel = ${channel}`);
  if (variant !== undefined) conditions.push(sql`${VARIANT} = ${variants.indexOf(variant)}`);
  if (delivered !== undefined) conditions.push(sql`(d.delivered_at is not null) = ${delivered}`);
  if (blocked !== undefined) conditions.push(sql`d.blocked = ${blocked}`);
  if (impression !== undefined) conditions.push(sql`(d.impression_at is not null) = ${impression}`);
  if (open !== undefined) conditions.push(sql`(d.open_at is not null) = ${open}`);
  if (dismissal !== undefined) conditions.push(sql`(d.dismissed_at is not null) = ${dismissal}`);
  if (deviceId !== undefined) conditions.push(sql`d.device_id ilike ${containsPattern(deviceId)}`);
  return sql.join(conditions, sql` and `);
}

/** One page in the order of the numbers, above `after`. With `upTo` no delivery above that number is read. */
export async function listDeliveries(
  db: Db,
  args: Ledger & { filter: DeliveryFilter; after: number; upTo?: number; limit: number },
): Promise<DeviceDelivery[]> {
  const upTo = args.upTo === undefined ? sql`` : sql`and d.delivery_no <= ${args.upTo}`;
  type Row = Omit<DeviceDelivery, 'platform' | 'variant'> & {
    platform: number | null;
    variant: number | null;
  };
  const { rows } = await sql<Row>`
    select d.delivery_no as "deliveryNo", d.device_id as "deviceId", d.platform, d.channel,
      ${VARIANT} as variant,
      ${RESULT} as result,
      ${REASON} as reason,
      d.blocked, d.taps,
      -- The attempt of a delivery that is put back leaves a time.
      case when ${RESULT} <> 'pending' then d.settled_at end as "settledAt",
      d.delivered_at as "deliveredAt",
      d.impression_at as "impressionAt",
      d.open_at as "openAt",
      d.dismissed_at as "dismissedAt"
    from deliveries d
    where ${whereDeliveries(args, args.filter)}
      and d.delivery_no > ${args.after} ${upTo}
    order by d.delivery_no
    limit ${args.limit}`.execute(db);
  return rows.map((row) => ({
    ...row,
    platform: platformOf(row.platform),
    variant: args.variants[row.variant ?? -1] ?? null,
  }));
}

/** The number of the last device; 0 when there is none. */
export async function lastDelivery(db: Db, { pushNo, partitionStart }: Ledger): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`
    select max(d.delivery_no) as last
    from deliveries d
    where d.partition_start = ${partitionStart} and d.push_no = ${pushNo}`.execute(db);
  return rows[0]?.last ?? 0;
}

/** The number of deliveries that match the filter. */
export async function countDeliveries(db: Db, args: Ledger & { filter: DeliveryFilter }): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count
    from deliveries d
    where ${whereDeliveries(args, args.filter)}`.execute(db);
  return rows[0]?.count ?? 0;
}
