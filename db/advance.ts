import { sql } from 'kysely';
import type { Given } from '../domain/content-fill.ts';
import { STATUS_CODE } from '../domain/delivery.ts';
import type { Channel } from '../domain/platform.ts';
import { lockOpen } from './control.ts';
import type { Db } from './database.ts';
import { sendingHour } from './hours.ts';
import type { LeaseToken } from './leases.ts';
import { PREPARED } from './prepared.ts';
import { countSettled, PENDING_LEFT, SETTLED_COLUMNS } from './settle.ts';
import { deliveriesOf } from './slots.ts';

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

type Row = {
  held: boolean;
  open: boolean;
  done: boolean | null;
  n: number | null;
  token: string;
  channel: Channel;
  variant: number | null;
  variables: Given | null;
};

/**
 * The one statement of the sending path: settles what was answered and claims what is written next.
 * The claim locks the control row, so that none succeeds once a fence has committed. Results are found by
 * number, in an array as long as the span they cover, never by a join that stale statistics could ruin.
 */
export async function advanceLease(db: Db, token: LeaseToken, advance: Advance): Promise<Advanced> {
  const { pushNo, leaseNo, epoch, attempt } = token;
  const { slot, mark, newMark, now } = advance;
  const { base, end, statuses, reasons } = byNumber(advance.results);
  const table = deliveriesOf(slot);
  const mine = sql`push_no = ${pushNo} and lease_no = ${leaseNo} and epoch = ${epoch} and attempt = ${attempt}`;
  const { rows } = await sql<Row>`${PREPARED}
    with control as (
      ${lockOpen(token)}
    ), holder as (
      select recalled from leases where ${mine} for update
    ), flags as materialized (
      select exists (select from holder) as held,
        exists (select from control) and exists (select from holder where not recalled) as open,
        ${statuses}::smallint[] as statuses, ${reasons}::text[] as reasons
    ), settled as (
      update ${table} d
      set status = flags.statuses[d.n - ${base}::int + 1],
        reason = flags.reasons[d.n - ${base}::int + 1], settled_at = ${now}
      from flags
      where flags.held and d.push_no = ${pushNo} and d.status = ${STATUS_CODE.pending}
        and d.n between ${base}::int and ${end}::int
        and flags.statuses[d.n - ${base}::int + 1] is not null
      returning ${SETTLED_COLUMNS}
    ), ${countSettled(token, sql`${sendingHour(now, advance.startedAt)}`)}, claimed as (
      select d.n, d.token, d.channel, d.variant, d.variables from ${table} d, flags
      where flags.held and flags.open and d.push_no = ${pushNo} and d.n > ${mark}::int and d.n <= ${newMark}::int
        and d.status = ${STATUS_CODE.pending}
    ), reopened as (
      update ${table} d set status = ${STATUS_CODE.pending} from flags
      where flags.held and flags.open and d.push_no = ${pushNo} and d.n = any(${advance.retries}::int[])
        and d.status in (${STATUS_CODE.retry}, ${STATUS_CODE.pending})
      returning d.n, d.token, d.channel, d.variant, d.variables
    ), moved as (
      update leases set
        mark_n = case when ${advance.isEnding} then ${mark}::int
          when flags.open then greatest(mark_n, ${newMark}::int) else mark_n end,
        seen_at = case when draining_until is null then ${now}::timestamptz end,
        pending = ${PENDING_LEFT},
        done = 0 = all(${PENDING_LEFT})
      from flags where flags.held and ${mine}
      returning done
    )
    select flags.held, flags.open, moved.done, rows.n, rows.token, rows.channel, rows.variant, rows.variables
    from flags left join moved on true
      left join (select * from claimed union all select * from reopened) rows on true`.execute(db);
  const [first] = rows;
  return {
    held: first?.held ?? false,
    open: first?.open ?? false,
    done: first?.done ?? false,
    claimed: rows.flatMap(({ n, token, channel, variant, variables }) =>
      n === null ? [] : [{ n, token, channel, variant, variables }],
    ),
  };
}

/**
 * The results in an array as long as the span that they cover. The statuses go as the text that Postgres reads:
 * the driver would quote and escape each of the hundreds of numbers.
 */
function byNumber(results: readonly Settled[]) {
  if (results.length === 0) return { base: 0, end: -1, statuses: '{}', reasons: null };
  const base = results.reduce((least, { n }) => Math.min(least, n), Number.POSITIVE_INFINITY);
  const end = results.reduce((most, { n }) => Math.max(most, n), 0);
  const statuses = new Array<number | 'null'>(end - base + 1).fill('null');
  let reasons: (string | null)[] | null = null;
  for (const { n, status, reason } of results) {
    statuses[n - base] = STATUS_CODE[status];
    if (reason === null) continue;
    reasons ??= new Array<string | null>(end - base + 1).fill(null);
    reasons[n - base] = reason;
  }
  return { base, end, statuses: `{${statuses.join(',')}}`, reasons };
}
