import { sql, type Transaction } from 'kysely';
import type { Metric } from '../../domain/pushes/metrics.ts';
import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import { NO_PLATFORM } from '../core/platform-code.ts';
import type { CounterDeltas } from '../ledger/counters.ts';
import type { HourDeltas } from '../ledger/hours.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { sendOutcome } from '../ledger/send-result.ts';
import type { Schema } from '../schema/schema.ts';
import type { DeliveryUpdate, OpenPush, Taps } from './receipt-batch.ts';
import {
  CHANGES,
  changesByHour,
  currentDeliveries,
  HAS_MORE,
  hasChange,
  IS_UNCHANGED,
} from './receipt-write-sql.ts';

export interface Deltas {
  readonly counters: CounterDeltas;
  readonly hours: HourDeltas;
}

interface Reported {
  readonly updates: readonly DeliveryUpdate[];
  readonly taps: Taps;
}

/** The changes of a delivery that exists, as bits of `CHANGE`. */
export interface DeliveryChange {
  readonly changes: number;
  readonly platform: number;
}

/** Deliveries that count alike, and how many of them changed in each way. */
interface ChangedGroup {
  readonly platform: number;
  readonly locale: number;
  readonly status: number;
  readonly reason: string | null;
  readonly delivered: number;
  readonly impressions: number;
  readonly opens: number;
  readonly dismissals: number;
  readonly blocked: number;
  readonly taps: number;
}

/** Devices that came into an hour of the push, out of the hour `was` when an earlier time became known. */
interface ChangedHour {
  readonly metric: ReceiptKind;
  readonly platform: number;
  readonly hour: number;
  readonly was: number | null;
  readonly devices: number;
}

/**
 * The deliveries that were dealt with, column by column: an array for each of thousands of rows costs a third
 * more.
 */
interface Outcomes {
  readonly deliveryNo: readonly number[];
  readonly platform: readonly number[];
  readonly changes: readonly number[];
}

interface Written {
  readonly found: number;
  readonly outcomes: Outcomes;
  readonly changed: readonly ChangedGroup[];
  readonly by_hour: readonly ChangedHour[];
}

/** Rows as found, rows as locked, and once more because the lock may have been waited for. */
const ATTEMPTS = 3;

/**
 * Writes reports that are new or earlier. The earliest time wins, so that the order of arrival does not
 * matter. A receipt that comes before the sender settled the row changes no counter: the settle sees the
 * receipt and counts a success. Rows are found once, by their numbers, and written where they were found. A
 * row that another transaction changed at that moment is left out. The next attempt locks the row first, and
 * so sees it as it is.
 */
export async function writeUpdates(
  trx: Transaction<Schema>,
  push: OpenPush,
  reported: Reported,
  deltas: Deltas,
): Promise<Map<number, DeliveryChange>> {
  const written = new Map<number, DeliveryChange>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const updates =
      attempt === 1
        ? reported.updates
        : reported.updates.filter(({ deliveryNo }) => !written.has(deliveryNo));
    const rows = await writeRows(trx, push, { ...reported, updates }, attempt > 1);
    for (const [place, deliveryNo] of rows.outcomes.deliveryNo.entries())
      written.set(deliveryNo, changeAt(rows.outcomes, place));
    for (const group of rows.changed) countGroup(push.no, group, deltas.counters);
    for (const hour of rows.by_hour) countHour(push.no, hour, deltas.hours);
    if (rows.outcomes.deliveryNo.length === rows.found) return written;
  }
  throw new Error('locked deliveries were changed by another transaction');
}

/**
 * One statement, in the order of the numbers, as senders do. The answers are sums, so that few rows are read.
 */
async function writeRows(
  trx: Transaction<Schema>,
  push: OpenPush,
  reported: Reported,
  isLocking: boolean,
): Promise<Written> {
  const { rows } = await sql<Written>`
    with current as materialized (
      -- Each delivery as it is now, beside what its receipts report.
      ${currentDeliveries(push, reported)}
      order by reported.delivery_no
      ${isLocking ? sql`for update of d` : sql``}
    ), compared as materialized (
      -- The news of each report, as bits.
      select *, ${CHANGES} as changes
      from current
    ), written as (
      -- Rows without news are not written. Rows that changed since are left to the next attempt.
      update ${deliveriesOf(push.partitionStart)} d
      set delivered_at = least(d.delivered_at, to_timestamp(new.delivered_ms / 1000)),
        impression_at = least(d.impression_at, to_timestamp(new.impression_ms / 1000)),
        open_at = least(d.open_at, to_timestamp(new.open_ms / 1000)),
        dismissed_at = least(d.dismissed_at, to_timestamp(new.dismissed_ms / 1000)),
        blocked = d.blocked or new.blocks,
        taps = d.taps + new.taps
      from compared new
      where d.ctid = new.place
        and ${HAS_MORE}
        and ${IS_UNCHANGED}
      returning new.*
    ), outcomes as (
      -- Every delivery that is dealt with, for the results of its receipts.
      select delivery_no, platform, changes
      from written
      union all
      select delivery_no, platform, changes
      from compared new
      where not ${HAS_MORE}
    ), changed as (
      -- The gains of the counters of the push.
      select platform, locale, status, reason,
        count(*) filter (where ${hasChange('delivered')}) as delivered,
        count(*) filter (where ${hasChange('impression')}) as impressions,
        count(*) filter (where ${hasChange('open')}) as opens,
        count(*) filter (where ${hasChange('dismissal')}) as dismissals,
        count(*) filter (where ${hasChange('blocked')}) as blocked,
        sum(taps) as taps
      from written
      group by platform, locale, status, reason
    ), by_hour as (
      -- The gains and losses of the hours of the push.
      ${changesByHour(push)}
    )
    select
      (select count(*) from current) as found,
      (
        select json_build_object(
          'deliveryNo', coalesce(json_agg(delivery_no), '[]'),
          'platform', coalesce(json_agg(platform), '[]'),
          'changes', coalesce(json_agg(changes), '[]')
        )
        from outcomes
      ) as outcomes,
      (select coalesce(json_agg(changed), '[]') from changed) as changed,
      (select coalesce(json_agg(by_hour), '[]') from by_hour) as by_hour`.execute(trx);
  const [row] = rows;
  if (row === undefined) throw new Error('the statement that writes receipts returned no row');
  return row;
}

function changeAt({ platform, changes }: Outcomes, place: number): DeliveryChange {
  return { platform: platform[place] ?? NO_PLATFORM, changes: changes[place] ?? 0 };
}

function countGroup(pushNo: number, group: ChangedGroup, counters: CounterDeltas): void {
  const { platform, locale, status, reason } = group;
  const add = (metric: Metric, value: number, why = '') =>
    counters.add(pushNo, { platform, locale, metric, reason: why }, value);
  const before = sendOutcome({ platform, status, reason, receipted: false });
  const after = sendOutcome({ platform, status, reason, receipted: true });
  if (before !== undefined && after !== undefined && before.metric !== after.metric) {
    add(before.metric, -group.delivered, before.reason);
    add(after.metric, group.delivered, after.reason);
  }
  add('impression', group.impressions);
  add('open', group.opens);
  add('dismissal', group.dismissals);
  add('blocked', group.blocked);
  add('taps', group.taps);
}

function countHour(pushNo: number, changed: ChangedHour, hours: HourDeltas): void {
  const { metric, platform, hour, was, devices } = changed;
  hours.add({ push_no: pushNo, hour, platform, metric }, devices);
  if (was !== null) hours.add({ push_no: pushNo, hour: was, platform, metric }, -devices);
}
