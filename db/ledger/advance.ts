import { type RawBuilder, sql } from 'kysely';
import type { Given } from '../../domain/content/content-fill.ts';
import type { Channel } from '../../domain/platform.ts';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { Db } from '../core/database.ts';
import { NAMED } from '../core/named-statements.ts';
import { sendingHour } from './hours.ts';
import type { LeaseToken } from './leases.ts';
import { shareLockOpenPush } from './push-control.ts';
import { byNumber, type ResultsByNumber, type Settled, UNANSWERED } from './results-by-number.ts';
import { countSettled, PENDING_LEFT, SETTLED_COLUMNS } from './settle.ts';
import { partitionStatement, type SqlValues } from './statement.ts';

/** A device whose request is to be written now: it is marked in flight. */
export interface Claimed {
  readonly deliveryNo: number;
  readonly token: string;
  readonly channel: Channel;
  /** The variant of the content; null where there is only one message. */
  readonly variant: number | null;
  /** The values of the variables of its message. */
  readonly variables: Given | null;
}

export interface Advanced {
  /** Whether the lease is still the caller's; if not, nothing was written. */
  readonly held: boolean;
  /**
   * Whether the push is open and no newer holder waits for the lease. If not, results were settled and
   * nothing was claimed.
   */
  readonly open: boolean;
  readonly done: boolean;
  readonly claimed: Claimed[];
}

export interface Advance {
  readonly partitionStart: Date;
  readonly startedAt: Date;
  readonly results: readonly Settled[];
  /** Rows above `claimedTo` up to `claimTo` are claimed. The same call again claims the same rows. */
  readonly claimedTo: number;
  readonly claimTo: number;
  /**
   * Nothing is claimed any more, and nothing above `claimedTo` was written: rows that a call without an
   * answer claimed there are free again. Only an ending call may say so, because such a call may still be
   * under way, and must not undo a later claim.
   */
  readonly isEnding: boolean;
  /**
   * Rows put back earlier, to be sent now. One may be pending already, by the same call whose answer was
   * lost.
   */
  readonly retries: readonly number[];
  readonly now: Date;
}

/** The one row of a statement that had nothing to claim. */
interface NotClaimed {
  readonly deliveryNo: null;
}

type MaybeClaimed = Claimed | NotClaimed;

interface ClaimValues extends LeaseToken, Pick<Advance, 'partitionStart' | 'claimedTo' | 'claimTo' | 'now'> {}

interface SettleValues extends ClaimValues, ResultsByNumber, Pick<Advance, 'isEnding' | 'retries'> {
  readonly hour: number;
}

type Row = MaybeClaimed & {
  readonly held: boolean;
  readonly open: boolean;
  /**
   * The statement waited for another one that took rows from the lease, and sees them as they were: nothing
   * was claimed.
   */
  readonly stale: boolean;
  readonly done: boolean | null;
};

const PENDING = sql.lit(STATUS_CODE.pending);

/**
 * Settles the answered deliveries and claims the next ones. The claim locks the control row, so that none
 * succeeds once a fence has committed.
 */
export async function advanceLease(db: Db, token: LeaseToken, advance: Advance): Promise<Advanced> {
  const { results, retries, claimedTo, claimTo, isEnding } = advance;
  const claimsOnly = results.length === 0 && retries.length === 0 && claimTo > claimedTo && !isEnding;
  if (claimsOnly) {
    const rows = await claim(db, { ...token, ...advance });
    // No row means that something is in the way, and the other statement says what.
    if (rows.length > 0) return { held: true, open: true, done: false, claimed: rows.filter(isClaimed) };
  }
  const hour = sendingHour(advance.now, advance.startedAt);
  const rows = await settleAndClaim(db, { ...token, ...advance, ...byNumber(results), hour });
  const [first] = rows;
  const { held = false, open = false, stale = false, done } = first ?? {};
  if (held && stale) return await advanceLease(db, token, advance);
  return { held, open, done: done ?? false, claimed: rows.filter(isClaimed) };
}

function isClaimed<Row extends MaybeClaimed>(row: Row): row is Row & Claimed {
  return row.deliveryNo !== null;
}

/**
 * A row where the lease was moved, even when nothing is pending there; none when the lease changed during the
 * wait.
 */
const claim = partitionStatement<ClaimValues, MaybeClaimed>(
  (deliveries, v) => sql`${NAMED}
    with control as (
      -- A fence waits for this share lock, and no claim succeeds after the fence.
      ${shareLockOpenPush(v)}
    ), moved as (
      -- The high-water mark moves only while the lease is ours, and as it was when the statement began.
      update leases
      set claimed_to = greatest(claimed_to, ${v.claimTo}::int),
        seen_at = case when draining_until is null then ${v.now}::timestamptz end
      where ${isMine(v)}
        and not recalled
        and exists (select from control)
        and version = (select version from leases where ${isMine(v)})
      returning push_no
    )
    select d.delivery_no as "deliveryNo", d.token, d.channel, d.variant, d.variables
    from moved
    left join ${deliveries} d on d.push_no = moved.push_no
      and d.delivery_no > ${v.claimedTo}::int
      and d.delivery_no <= ${v.claimTo}::int
      and d.status = ${PENDING}`,
);

/** Results are found by number in an array, never by a join that stale statistics could ruin. */
const settleAndClaim = partitionStatement<SettleValues, Row>(
  (deliveries, v) => sql`${NAMED}
    with control as (
      -- A fence waits for this share lock, and no claim succeeds after the fence.
      ${shareLockOpenPush(v)}
    ), seen as materialized (
      -- The lease as the statement sees it when it begins.
      select version
      from leases
      where ${isMine(v)}
    ), holder as (
      -- The lease as it is once the lock is held: no row when a newer holder has taken it.
      select recalled, version
      from leases
      where ${isMine(v)}
      for update
    ), flags as materialized (
      -- The permissions of the statement, and the results by delivery number. One row, so that it can be
      -- joined to anything.
      select
        exists (select from holder) as held,
        exists (select from control)
          and exists (select from holder join seen using (version) where not recalled) as open,
        not exists (select from holder join seen using (version)) as stale,
        ${v.statuses}::smallint[] as statuses,
        ${v.reasons}::text[] as reasons
    ), settled as (
      -- Each answered delivery gets its result. Rows that are settled already are not pending, and count
      -- once.
      update ${deliveries} d
      set status = flags.statuses[d.delivery_no - ${v.base}::int + 1],
        reason = flags.reasons[d.delivery_no - ${v.base}::int + 1],
        settled_at = ${v.now}
      from flags
      where flags.held
        and d.push_no = ${v.pushNo}
        and d.status = ${PENDING}
        and d.delivery_no between ${v.base}::int and ${v.end}::int
        and flags.statuses[d.delivery_no - ${v.base}::int + 1] <> ${sql.lit(UNANSWERED)}
      returning ${SETTLED_COLUMNS}
    ), ${countSettled(v, v.hour)}, claimed as (
      -- The devices to send to next. The high-water mark puts them in flight, so their rows are not written.
      select d.delivery_no, d.token, d.channel, d.variant, d.variables
      from ${deliveries} d, flags
      where flags.held
        and flags.open
        and d.push_no = ${v.pushNo}
        and d.delivery_no > ${v.claimedTo}::int
        and d.delivery_no <= ${v.claimTo}::int
        and d.status = ${PENDING}
    ), reopened as (
      -- Rows to be tried again. One may be pending already, by a call whose answer was lost.
      update ${deliveries} d
      set status = ${PENDING}
      from flags
      where flags.held
        and flags.open
        and d.push_no = ${v.pushNo}
        and d.delivery_no = any(${v.retries}::int[])
        and d.status in (${sql.lit(STATUS_CODE.retry)}, ${PENDING})
      returning d.delivery_no, d.token, d.channel, d.variant, d.variables
    ), moved as (
      -- The high-water mark of the lease, the time its holder was seen, and its pending devices.
      update leases
      set
        claimed_to = case
          when ${v.isEnding} then ${v.claimedTo}::int
          when flags.open then greatest(claimed_to, ${v.claimTo}::int)
          else claimed_to
        end,
        seen_at = case when draining_until is null then ${v.now}::timestamptz end,
        pending = ${PENDING_LEFT},
        done = 0 = all(${PENDING_LEFT})
      from flags
      where flags.held and ${isMine(v)}
      returning done
    )
    select flags.held, flags.open, flags.stale, moved.done,
      claims.delivery_no as "deliveryNo", claims.token, claims.channel, claims.variant, claims.variables
    from flags
    left join moved on true
    left join (
      select * from claimed
      union all
      select * from reopened
    ) claims on true`,
);

function isMine({ pushNo, leaseNo, epoch, attempt }: SqlValues<LeaseToken>): RawBuilder<boolean> {
  return sql`push_no = ${pushNo} and lease_no = ${leaseNo} and epoch = ${epoch} and attempt = ${attempt}`;
}
