import { type RawBuilder, sql } from 'kysely';
import type { Given } from '../domain/content-fill.ts';
import { STATUS_CODE } from '../domain/delivery.ts';
import type { Channel } from '../domain/platform.ts';
import type { Db } from './database.ts';
import { sendingHour } from './hours.ts';
import type { LeaseToken } from './leases.ts';
import { NAMED } from './named-statements.ts';
import { shareLockOpenPush } from './push-control.ts';
import { countSettled, PENDING_LEFT, SETTLED_COLUMNS } from './settle.ts';
import { type SqlValues, slotStatement } from './statement.ts';

export interface Settled {
  readonly n: number;
  readonly status: 'accepted' | 'rejected' | 'ambiguous' | 'retry';
  readonly reason: string | null;
}

/** A device whose request is to be written now: it is marked in flight. */
export interface Claimed {
  readonly n: number;
  readonly token: string;
  readonly channel: Channel;
  /** Which message of the content; null where there is only one. */
  readonly variant: number | null;
  /** What fills its variables in. */
  readonly variables: Given | null;
}

export interface Advanced {
  /** Whether the lease is still ours; if not, nothing was written. */
  readonly held: boolean;
  /** Whether the push is open and nobody newer waits for the lease; if not, results were settled and nothing was claimed. */
  readonly open: boolean;
  readonly done: boolean;
  readonly claimed: Claimed[];
}

export interface Advance {
  readonly slot: Date;
  readonly startedAt: Date;
  readonly results: readonly Settled[];
  /** Rows above `mark` up to `newMark` are claimed; the same call again claims the same rows. */
  readonly mark: number;
  readonly newMark: number;
  /**
   * Nothing is claimed any more, and nothing above `mark` was written: what a call without an answer claimed there is
   * free again. Only then, because such a call may still be under way, and must not undo a later claim.
   */
  readonly isEnding: boolean;
  /** Put back earlier, to be sent now. One may be pending already: by the same call, whose answer was lost. */
  readonly retries: readonly number[];
  readonly now: Date;
}

/** The one row of a statement that had nobody to claim. */
interface NotClaimed {
  readonly n: null;
}

type MaybeClaimed = Claimed | NotClaimed;

interface ClaimValues extends LeaseToken, Pick<Advance, 'slot' | 'mark' | 'newMark' | 'now'> {}

interface SettleValues extends ClaimValues, ResultsByNumber, Pick<Advance, 'isEnding' | 'retries'> {
  readonly hour: number;
}

type Row = MaybeClaimed & {
  readonly held: boolean;
  readonly open: boolean;
  /** It waited for somebody who took rows from the lease, and sees them as they were: it has claimed nothing. */
  readonly stale: boolean;
  readonly done: boolean | null;
};

const PENDING = sql.lit(STATUS_CODE.pending);

/**
 * Settles what was answered and claims what is written next. The claim locks the control row, so that none succeeds
 * once a fence has committed.
 */
export async function advanceLease(db: Db, token: LeaseToken, advance: Advance): Promise<Advanced> {
  const { results, retries, mark, newMark, isEnding } = advance;
  const claimsOnly = results.length === 0 && retries.length === 0 && newMark > mark && !isEnding;
  if (claimsOnly) {
    const rows = await claim(db, { ...token, ...advance });
    // Else something is in the way, and the other statement says what.
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
  return row.n !== null;
}

/** A row where the lease was moved, even when it has nobody pending there; none when it changed while it was waited for. */
const claim = slotStatement<ClaimValues, MaybeClaimed>(
  (deliveries, v) => sql`${NAMED}
    with control as (
      ${shareLockOpenPush(v)}
    ), moved as (
      update leases set mark_n = greatest(mark_n, ${v.newMark}::int),
        seen_at = case when draining_until is null then ${v.now}::timestamptz end
      where ${isMine(v)} and not recalled and exists (select from control)
        and version = (select version from leases where ${isMine(v)})
      returning push_no
    )
    select d.n, d.token, d.channel, d.variant, d.variables from moved left join ${deliveries} d
      on d.push_no = moved.push_no and d.n > ${v.mark}::int and d.n <= ${v.newMark}::int and d.status = ${PENDING}`,
);

/** Results are found by number, in an array as long as the span they cover, never by a join that stale statistics could ruin. */
const settleAndClaim = slotStatement<SettleValues, Row>(
  (deliveries, v) => sql`${NAMED}
    with control as (
      ${shareLockOpenPush(v)}
    ), seen as materialized (
      select version from leases where ${isMine(v)}
    ), holder as (
      select recalled, version from leases where ${isMine(v)} for update
    ), flags as materialized (
      select exists (select from holder) as held,
        exists (select from control) and exists (select from holder join seen using (version) where not recalled) as open,
        not exists (select from holder join seen using (version)) as stale,
        ${v.statuses}::smallint[] as statuses, ${v.reasons}::text[] as reasons
    ), settled as (
      update ${deliveries} d
      set status = flags.statuses[d.n - ${v.base}::int + 1],
        reason = flags.reasons[d.n - ${v.base}::int + 1], settled_at = ${v.now}
      from flags
      where flags.held and d.push_no = ${v.pushNo} and d.status = ${PENDING}
        and d.n between ${v.base}::int and ${v.end}::int
        and flags.statuses[d.n - ${v.base}::int + 1] <> ${sql.lit(UNANSWERED)}
      returning ${SETTLED_COLUMNS}
    ), ${countSettled(v, v.hour)}, claimed as (
      select d.n, d.token, d.channel, d.variant, d.variables from ${deliveries} d, flags
      where flags.held and flags.open and d.push_no = ${v.pushNo} and d.n > ${v.mark}::int and d.n <= ${v.newMark}::int
        and d.status = ${PENDING}
    ), reopened as (
      update ${deliveries} d set status = ${PENDING} from flags
      where flags.held and flags.open and d.push_no = ${v.pushNo} and d.n = any(${v.retries}::int[])
        and d.status in (${sql.lit(STATUS_CODE.retry)}, ${PENDING})
      returning d.n, d.token, d.channel, d.variant, d.variables
    ), moved as (
      update leases set
        mark_n = case when ${v.isEnding} then ${v.mark}::int
          when flags.open then greatest(mark_n, ${v.newMark}::int) else mark_n end,
        seen_at = case when draining_until is null then ${v.now}::timestamptz end,
        pending = ${PENDING_LEFT},
        done = 0 = all(${PENDING_LEFT})
      from flags where flags.held and ${isMine(v)}
      returning done
    )
    select flags.held, flags.open, flags.stale, moved.done, rows.n, rows.token, rows.channel, rows.variant, rows.variables
    from flags left join moved on true
      left join (select * from claimed union all select * from reopened) rows on true`,
);

function isMine({ pushNo, leaseNo, epoch, attempt }: SqlValues<LeaseToken>): RawBuilder<boolean> {
  return sql`push_no = ${pushNo} and lease_no = ${leaseNo} and epoch = ${epoch} and attempt = ${attempt}`;
}

interface ResultsByNumber {
  readonly base: number;
  readonly end: number;
  readonly statuses: string;
  readonly reasons: (string | null)[] | null;
}

/** Not null, which would make looking up one place of the array as slow as the array is long. */
const UNANSWERED = -1;

/**
 * The results in an array as long as the span that they cover. The statuses go as the text that Postgres reads:
 * the driver would quote and escape each of the hundreds of numbers.
 */
function byNumber(results: readonly Settled[]): ResultsByNumber {
  if (results.length === 0) return { base: 0, end: -1, statuses: '{}', reasons: null };
  const base = results.reduce((least, { n }) => Math.min(least, n), Number.POSITIVE_INFINITY);
  const end = results.reduce((most, { n }) => Math.max(most, n), 0);
  const statuses = new Array<number>(end - base + 1).fill(UNANSWERED);
  let reasons: (string | null)[] | null = null;
  for (const { n, status, reason } of results) {
    statuses[n - base] = STATUS_CODE[status];
    if (reason === null) continue;
    reasons ??= new Array<string | null>(end - base + 1).fill(null);
    reasons[n - base] = reason;
  }
  return { base, end, statuses: `{${statuses.join(',')}}`, reasons };
}
