import { type RawBuilder, sql, type Transaction } from 'kysely';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { LocalTime } from '../../domain/time/local-time.ts';
import { isByDevice, recipientRows, sourceOf } from '../audiences/recipients.ts';
import { type Suppression, suppress } from '../caps/suppression.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import type { Schema } from '../schema/schema.ts';
import type { LeaseRange } from './cut-leases.ts';
import { triggerRecipientRows } from './trigger-recipients.ts';
import { inWaves, type Waves } from './waves.ts';

const MAX_NUMBER = 2_147_483_647;

interface NewDeliveries {
  readonly pushNo: number;
  readonly appId: string;
  readonly definition: TaskDefinition;
  readonly frozenNo: number | undefined;
  /** The local time of a push at each device's own time. */
  readonly local?: LocalTime | undefined;
  readonly now: Date;
  readonly partitionStart: Date;
  readonly waves: Waves | undefined;
  readonly suppression: Suppression;
  /** Only devices with these numbers. */
  readonly between?: readonly [from: number, to: number | null];
  /** The time at which the devices below `between` were planned. */
  readonly plannedAt?: Date;
  /** Only devices of these users. */
  readonly userIds?: readonly string[];
  /** The highest number of the push so far. */
  readonly above?: number;
}

/** The number of devices of a wave that are to be sent to. */
type WaveSize = { readonly wave: number; readonly size: number };

/**
 * Writes one delivery for each recipient. Those to be sent have the first numbers, wave by wave, without
 * gaps.
 */
export async function insertDeliveries(
  trx: Transaction<Schema>,
  deliveries: NewDeliveries,
): Promise<{ written: number; sizes: readonly WaveSize[] }> {
  const { waves } = deliveries;
  const judged = await judgedRows(trx, deliveries);
  const insert = insertStatement(deliveries);
  // Sizes of waves need a second look at the judged rows, which a large push without waves is spared.
  if (waves === undefined) {
    const { numAffectedRows = 0n } = await sql`with judged as (${judged}) ${insert}`.execute(trx);
    return { written: Number(numAffectedRows), sizes: [] };
  }
  const { rows } = await sql<WaveSize>`
    with judged as materialized (
      ${judged}
    ), inserted as (
      ${insert}
    )
    select wave, count(*)::int as size
    from judged
    where loss is null and suppression is null
    group by wave
    order by wave`.execute(trx);
  return { written: rows.reduce((sum, { size }) => sum + size, 0), sizes: rows };
}

/** The recipients with their waves, and with every reason why some get nothing. */
async function judgedRows(trx: Transaction<Schema>, deliveries: NewDeliveries): Promise<RawBuilder<unknown>> {
  const { pushNo, now, waves, suppression } = deliveries;
  const recipients = inWaves(await pushRecipients(trx, deliveries), waves);
  const dueAt = waves?.dueAt.map((at) => new Date(at)) ?? [now];
  const at = sql`(${dueAt}::timestamptz[])[recipient.wave + 1]`;
  return suppress(recipients, suppression, { pushNo, now, at });
}

async function pushRecipients(
  trx: Transaction<Schema>,
  deliveries: NewDeliveries,
): Promise<RawBuilder<unknown>> {
  const { appId, definition, frozenNo, local, now, suppression, between, plannedAt, userIds } = deliveries;
  const { audience, platforms, exclusions = [], devices = 'all' } = definition;
  const from = frozenNo === undefined ? { audience: await sourceOf(trx, { appId, audience }) } : { frozenNo };
  const rows = await recipientRows(trx, {
    appId,
    now,
    today: local?.slice(0, 10),
    from,
    platforms,
    exclusions,
    devices,
    columns: suppression.columns,
    userIds,
    between,
    plannedAt,
  });
  if (userIds === undefined) return rows;
  return triggerRecipientRows(rows, { appId, userIds, namesUsers: !isByDevice(from) });
}

/** Inserts the rows of `judged`. */
function insertStatement({ partitionStart, pushNo, above = 0 }: NewDeliveries): RawBuilder<unknown> {
  const { unreachable, suppressed, pending } = STATUS_CODE;
  return sql`
    insert into ${deliveriesOf(partitionStart)} (
      partition_start, push_no, delivery_no, device_no, device_id, platform, channel, token, status, reason,
      variant, variables
    )
    select ${partitionStart}::timestamptz, ${pushNo}::bigint,
      ${above}::int + row_number() over (
        order by loss is not null or suppression is not null, wave, device_no, id
      ),
      device_no, id, platform, channel,
      case when loss is null and suppression is null then token end,
      case
        when loss is not null then ${unreachable}::smallint
        when suppression is not null then ${suppressed}::smallint
        else ${pending}::smallint
      end,
      coalesce(loss, suppression),
      variant,
      case when loss is null and suppression is null then variables end
    from judged`;
}

/** The numbers of each wave. Devices that are to be sent to come first, wave by wave. */
export function rangesOf(waves: Waves | undefined, sizes: readonly WaveSize[], above = 0): LeaseRange[] {
  if (waves === undefined) return [{ from: above + 1, to: MAX_NUMBER, dueAt: null }];
  let last = above;
  return sizes.map(({ wave, size }) => {
    const from = last + 1;
    last += size;
    return { from, to: last, dueAt: new Date(waves.dueAt[wave] ?? 0) };
  });
}
