import { sql, type Transaction } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../../domain/content/content-variant.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { numbersText } from '../core/array-text.ts';
import { NO_PLATFORM } from '../core/platform-code.ts';
import { CounterDeltas } from '../ledger/counters.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * Deliveries that all become due at the same moment. Deliveries that are not to be sent have higher numbers.
 */
export interface LeaseRange {
  readonly from: number;
  readonly to: number;
  readonly dueAt: Date | null;
}

/** Deliveries of one step of a range that count alike. A step is a run of consecutive numbers. */
interface DeliveryGroup {
  /** From 1; null where the delivery is in no range. */
  readonly range: number | null;
  readonly step: number;
  readonly platform: number;
  readonly status: number;
  readonly reason: string;
  readonly locale: number;
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

export interface DeliveryGroups {
  readonly groups: readonly DeliveryGroup[];
  /** How many numbers a step has. */
  readonly stepRows: number;
  readonly planned: number;
  readonly sendable: number;
}

const LEASE_ROWS = 20_000;
/** Enough leases for every lane of a small push, few enough that a workflow can list those of a large one. */
const LEASES = { min: 8, max: 1000, minRows: 250 };
const MAX_STEPS = 4_000;
/** The counter shard of preparation. A lease counts in the shard of its own number. */
const PREPARATION_SHARD = -9;
const PLATFORM_CODES = Object.values(PLATFORM_CODE);

/** The highest number of the push so far, and the number of its next lease. */
export async function cutSoFar(
  trx: Transaction<Schema>,
  { pushNo, partitionStart }: { pushNo: number; partitionStart: Date },
): Promise<{ above: number; firstLease: number }> {
  const { rows } = await sql<{ above: number; firstLease: number }>`
    select
      (
        select coalesce(max(delivery_no), 0)::int
        from ${deliveriesOf(partitionStart)}
        where push_no = ${pushNo}
      ) as above,
      (
        select coalesce(max(lease_no) + 1, 0)::int
        from leases
        where push_no = ${pushNo}
      ) as "firstLease"`.execute(trx);
  return rows[0] ?? { above: 0, firstLease: 0 };
}

/** Reads the deliveries above a number once, for `cutLeases` and `countGroups`. */
export async function groupDeliveries(
  trx: Transaction<Schema>,
  args: {
    pushNo: number;
    partitionStart: Date;
    ranges: readonly LeaseRange[];
    /** The approximate number of rows that were written. */
    written: number;
    above?: number;
  },
): Promise<DeliveryGroups> {
  const { pushNo, partitionStart, ranges, above = 0 } = args;
  const stepRows = Math.max(LEASES.minRows, Math.ceil(args.written / MAX_STEPS));
  const { rows: groups } = await sql<DeliveryGroup>`
    select range.no::int as range,
      ((delivery_no - first_no) / ${stepRows}::int)::int as step,
      coalesce(platform, ${NO_PLATFORM}::int) as platform,
      status,
      coalesce(reason, '') as reason,
      coalesce(variant, 0) / ${VARIANTS_PER_LOCALE}::smallint as locale,
      min(delivery_no) as from, max(delivery_no) as to, count(*)::int as value
    from ${deliveriesOf(partitionStart)}
    left join unnest(
      ${numbersText(ranges.map(({ from }) => from))}::int[],
      ${numbersText(ranges.map(({ to }) => to))}::int[]
    ) with ordinality range (first_no, last_no, no) on delivery_no between first_no and last_no
    where push_no = ${pushNo}
      and delivery_no > ${above}
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2`.execute(trx);
  return { groups, stepRows, planned: total(groups), sendable: total(groups.filter(isSendable)) };
}

/** Adds the groups to the counters of the push. Earlier counts stay. */
export async function countGroups(
  trx: Transaction<Schema>,
  pushNo: number,
  { groups }: DeliveryGroups,
): Promise<void> {
  const deltas = new CounterDeltas();
  for (const { platform, locale, status, reason, value } of groups) {
    const add = (metric: 'planned' | 'matched' | 'unreachable' | 'suppressed', why = '') =>
      deltas.add(pushNo, { platform, locale, metric, reason: why }, value);
    add('planned');
    if (status === STATUS_CODE.unreachable) add('unreachable', reason);
    else add('matched');
    if (status === STATUS_CODE.suppressed) add('suppressed', reason);
  }
  await deltas.write(trx, PREPARATION_SHARD);
}

/** Cuts the deliveries that are to be sent into leases, and says how many leases there are. */
export async function cutLeases(
  trx: Transaction<Schema>,
  args: {
    pushNo: number;
    ranges: readonly LeaseRange[];
    grouped: DeliveryGroups;
    firstLease?: number;
    /** The minimum of leases, unless they would be very small. */
    lanes?: number;
  },
): Promise<number> {
  const { pushNo, ranges, firstLease = 0 } = args;
  const { groups, stepRows, sendable } = args.grouped;
  const stepsPerLease = Math.ceil(leaseRowsOf(sendable, args.lanes) / stepRows);
  const leases = cut(groups.filter(isSendable), stepsPerLease);
  if (leases.length === 0) return 0;
  await trx
    .insertInto('leases')
    .values(
      leases.map(({ range, from, to, pending }, index) => ({
        push_no: pushNo,
        lease_no: firstLease + index,
        first_no: from,
        last_no: to,
        claimed_to: from - 1,
        due_at: ranges[range - 1]?.dueAt ?? null,
        pending,
        draining_until: null,
      })),
    )
    .execute();
  return leases.length;
}

function isSendable({ status }: DeliveryGroup): boolean {
  return status === STATUS_CODE.pending;
}

function total(groups: readonly DeliveryGroup[]): number {
  return groups.reduce((sum, { value }) => sum + value, 0);
}

function leaseRowsOf(sendable: number, lanes: number = LEASES.min): number {
  const evenly = Math.ceil(sendable / lanes);
  return Math.max(LEASES.minRows, Math.min(LEASE_ROWS, evenly), Math.ceil(sendable / LEASES.max));
}

interface CutLease {
  readonly range: number;
  from: number;
  to: number;
  readonly pending: number[];
}

/** A lease has steps of one range only. */
function cut(groups: readonly DeliveryGroup[], stepsPerLease: number): CutLease[] {
  const leases = new Map<string, CutLease>();
  for (const { range, step, platform, from, to, value } of groups) {
    if (range === null)
      throw new Error('a pending delivery is in no range of deliveries that are due together');
    const key = `${range} ${Math.floor(step / stepsPerLease)}`;
    const lease = leases.get(key) ?? { range, from, to, pending: PLATFORM_CODES.map(() => 0) };
    lease.from = Math.min(lease.from, from);
    lease.to = Math.max(lease.to, to);
    lease.pending[platform] = (lease.pending[platform] ?? 0) + value;
    leases.set(key, lease);
  }
  return [...leases.values()];
}
