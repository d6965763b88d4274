import { sql, type Transaction } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../domain/content-variant.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../domain/delivery.ts';
import { numbersText } from './array-text.ts';
import { CounterDeltas } from './counters.ts';
import type { Schema } from './schema.ts';
import { deliveriesOf } from './slots.ts';

/** Deliveries of which all may be sent to at the same moment; what is not to be sent stands above them. */
export interface LeaseRange {
  readonly from: number;
  readonly to: number;
  readonly dueAt: Date | null;
}

/** Consecutive deliveries of one range that count alike. */
interface Step {
  /** From 1; null where the delivery is in none. */
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

const LEASE_ROWS = 20_000;
/** Enough leases for every lane of a small push, few enough that a workflow can list those of a large one. */
const LEASES = { min: 8, max: 1000, minRows: 250 };
const MAX_STEPS = 4_000;
/** The counters' slot of what preparing counts; leases count under their own number. */
const PREPARATION_SHARD = -9;
const PLATFORM_CODES = Object.values(PLATFORM_CODE);

/** The highest number of the push so far, and the lease that comes next. */
export async function cutSoFar(
  trx: Transaction<Schema>,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<{ above: number; firstLease: number }> {
  const { rows } = await sql<{ above: number; firstLease: number }>`
    select (select coalesce(max(n), 0)::int from ${deliveriesOf(slot)} where push_no = ${pushNo}) as above,
      (select coalesce(max(lease_no) + 1, 0)::int from leases where push_no = ${pushNo}) as "firstLease"`.execute(
    trx,
  );
  return rows[0] ?? { above: 0, firstLease: 0 };
}

/**
 * Counts what was written above a number and cuts what of it is to be sent into leases, by one look at the rows. What was
 * counted before stays.
 */
export async function countAndCut(
  trx: Transaction<Schema>,
  args: {
    pushNo: number;
    slot: Date;
    /** How many rows, roughly. */
    written: number;
    ranges: readonly LeaseRange[];
    above?: number;
    firstLease?: number;
    /** So many leases at least, unless they would be very small. */
    lanes?: number;
  },
): Promise<{ planned: number; sendable: number; leases: number }> {
  const { pushNo, slot, ranges, above = 0, firstLease = 0 } = args;
  const stepRows = Math.max(LEASES.minRows, Math.ceil(args.written / MAX_STEPS));
  const { rows: steps } = await sql<Step>`
    select range.no::int as range, ((n - from_n) / ${stepRows}::int)::int as step, coalesce(platform, -1) as platform, status,
      coalesce(reason, '') as reason, coalesce(variant, 0) / ${VARIANTS_PER_LOCALE}::smallint as locale,
      min(n) as from, max(n) as to, count(*)::int as value
    from ${deliveriesOf(slot)} left join unnest(${numbersText(ranges.map(({ from }) => from))}::int[],
        ${numbersText(ranges.map(({ to }) => to))}::int[]) with ordinality range (from_n, to_n, no) on n between from_n and to_n
    where push_no = ${pushNo} and n > ${above} group by 1, 2, 3, 4, 5, 6 order by 1, 2`.execute(trx);
  await count(trx, pushNo, steps);
  const pending = steps.filter(({ status }) => status === STATUS_CODE.pending);
  const sendable = total(pending);
  const leases = cut(pending, Math.ceil(leaseRowsOf(sendable, args.lanes) / stepRows));
  if (leases.length > 0) {
    await trx
      .insertInto('leases')
      .values(
        leases.map(({ range, from, to, pending: left }, index) => ({
          ...{ push_no: pushNo, lease_no: firstLease + index, from_n: from, to_n: to, mark_n: from - 1 },
          ...{ due_at: ranges[range - 1]?.dueAt ?? null, pending: left, draining_until: null },
        })),
      )
      .execute();
  }
  return { planned: total(steps), sendable, leases: leases.length };
}

function total(steps: readonly Step[]): number {
  return steps.reduce((sum, { value }) => sum + value, 0);
}

function leaseRowsOf(sendable: number, lanes: number = LEASES.min): number {
  const evenly = Math.ceil(sendable / lanes);
  return Math.max(LEASES.minRows, Math.min(LEASE_ROWS, evenly), Math.ceil(sendable / LEASES.max));
}

interface Cut {
  readonly range: number;
  from: number;
  to: number;
  readonly pending: number[];
}

/** A lease has steps of one range only. */
function cut(steps: readonly Step[], stepsPerLease: number): Cut[] {
  const leases = new Map<string, Cut>();
  for (const { range, step, platform, from, to, value } of steps) {
    if (range === null) throw new Error('a delivery that is to be sent is in no range');
    const key = `${range} ${Math.floor(step / stepsPerLease)}`;
    const lease = leases.get(key) ?? { range, from, to, pending: PLATFORM_CODES.map(() => 0) };
    lease.from = Math.min(lease.from, from);
    lease.to = Math.max(lease.to, to);
    lease.pending[platform] = (lease.pending[platform] ?? 0) + value;
    leases.set(key, lease);
  }
  return [...leases.values()];
}

async function count(trx: Transaction<Schema>, pushNo: number, steps: readonly Step[]): Promise<void> {
  const deltas = new CounterDeltas();
  for (const { platform, locale, status, reason, value } of steps) {
    const add = (metric: 'planned' | 'matched' | 'lost' | 'suppressed', why = '') =>
      deltas.add(pushNo, { platform, locale, metric, reason: why }, value);
    add('planned');
    if (status === STATUS_CODE.lost) add('lost', reason);
    else add('matched');
    if (status === STATUS_CODE.suppressed) add('suppressed', reason);
  }
  await deltas.write(trx, PREPARATION_SHARD);
}
