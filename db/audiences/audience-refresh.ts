import { sql } from 'kysely';
import type { AudienceCounts } from '../../domain/audiences/audience-counts.ts';
import type { AudienceKind } from '../../domain/audiences/audience-definition.ts';
import type { Clock } from '../../domain/clock.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import type { Db } from '../core/database.ts';
import { type AudienceSource, findSource, NAMES_MEMBERS } from './audience-source.ts';
import { addCounts, countPlanned, NO_COUNTS } from './estimate.ts';
import type { RecipientQuery } from './recipients.ts';
import { RuleError } from './rule-context.ts';

export interface Refresh {
  readonly state: 'running' | 'done' | 'failed';
  readonly version: number;
  /** Counts the app's devices, or the members of an audience that names its members. */
  readonly done: number;
  readonly total: number;
  /** Partial while the recount runs. */
  readonly counts: AudienceCounts;
  readonly reason: string | null;
  /** The moment that the counts refer to. */
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** The right to count the next step. A later run revokes it. */
export interface RefreshHold {
  readonly audienceId: string;
  readonly run: number;
}

/** A recount without a heartbeat for this long counts as abandoned by its process. */
const STALE_MS = 60_000;
const STEP_MS = 45_000;
const STEP_SIZE = 500_000;

/** Starts a recount of the newest version; undefined while another one runs. */
export async function startRefresh(
  db: Db,
  args: { appId: string; audienceId: string; version: number; kind: AudienceKind; now: Date },
): Promise<RefreshHold | undefined> {
  const { appId, audienceId, version, kind, now } = args;
  const stale = new Date(now.getTime() - STALE_MS);
  const whole = NAMES_MEMBERS.has(kind)
    ? sql`
      select members as size, 0 as first
      from audience_versions
      where audience_id = ${audienceId} and version = ${version}`
    : sql`
      select count(*) as size, coalesce(min(no), 0) as first
      from devices
      where app_id = ${appId}`;
  const { rows } = await sql<RefreshHold>`
    insert into audience_refreshes as refresh
      (audience_id, version, run, state, done, total, next_no, counts, started_at, beat_at)
    select ${audienceId}, ${version}::int, 1, 'running', 0, size, first,
      ${JSON.stringify(NO_COUNTS)}::jsonb, ${now}::timestamptz, ${now}::timestamptz
    from (${whole}) whole
    on conflict (audience_id) do update set
      version = excluded.version,
      run = refresh.run + 1,
      state = 'running',
      done = 0,
      total = excluded.total,
      next_no = excluded.next_no,
      next_kind = excluded.next_kind,
      next_id = excluded.next_id,
      counts = excluded.counts,
      reason = null,
      started_at = excluded.started_at,
      beat_at = excluded.beat_at,
      finished_at = null
    where refresh.state <> 'running' or refresh.beat_at < ${stale}::timestamptz
    returning audience_id as "audienceId", run`.execute(db);
  return rows[0];
}

/** Takes over an abandoned recount at the step where its process stopped. */
export async function takeOverRefresh(db: Db, now: Date): Promise<RefreshHold | undefined> {
  const stale = new Date(now.getTime() - STALE_MS);
  const { rows } = await sql<RefreshHold>`
    update audience_refreshes
    set run = run + 1, beat_at = ${now}::timestamptz
    where audience_id = (
      select audience_id
      from audience_refreshes
      where state = 'running' and beat_at < ${stale}::timestamptz
      order by beat_at
      limit 1
      for update skip locked
    )
    returning audience_id as "audienceId", run`.execute(db);
  return rows[0];
}

export async function findRefresh(db: Db, audienceId: string): Promise<Refresh | undefined> {
  const row = await db
    .selectFrom('audience_refreshes')
    .selectAll()
    .where('audience_id', '=', audienceId)
    .executeTakeFirst();
  return (
    row && {
      state: row.state,
      version: row.version,
      done: row.done,
      total: row.total,
      counts: row.counts,
      reason: row.reason,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    }
  );
}

interface Step {
  readonly appId: string;
  readonly version: number;
  readonly nextNo: number;
  readonly nextKind: number;
  readonly nextId: string;
  readonly startedAt: Date;
}

type LimitedStep = Step & { readonly limit: number };

/** Counts the next range. False when the recount is complete, failed or taken over. */
export async function stepRefresh(
  db: Db,
  hold: RefreshHold,
  { clock, size = STEP_SIZE }: { clock: Clock; size?: number },
): Promise<boolean> {
  const step = await findStep(db, hold);
  if (step === undefined) return false;
  try {
    return await countStep(db, hold, { ...step, limit: size }, clock);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    await endRefresh(db, hold, { state: 'failed', reason: error.message, now: await clock() });
    return false;
  }
}

async function findStep(db: Db, { audienceId, run }: RefreshHold): Promise<Step | undefined> {
  return await db
    .selectFrom('audience_refreshes as refresh')
    .innerJoin('audiences', 'audiences.id', 'refresh.audience_id')
    .select(['audiences.app_id as appId', 'refresh.version', 'refresh.started_at as startedAt'])
    .select(['refresh.next_no as nextNo', 'refresh.next_kind as nextKind', 'refresh.next_id as nextId'])
    .where('refresh.audience_id', '=', audienceId)
    .where('refresh.run', '=', run)
    .where('refresh.state', '=', 'running')
    .executeTakeFirst();
}

async function countStep(db: Db, hold: RefreshHold, step: LimitedStep, clock: Clock): Promise<boolean> {
  const { appId, version, startedAt } = step;
  const audience = await findSource(db, { appId, audienceId: hold.audienceId, version });
  if (audience === undefined) throw new RuleError('the audience no longer exists');
  const range = NAMES_MEMBERS.has(audience.kind)
    ? await nextMembers(db, audience, step)
    : await nextDevices(db, step);
  const planning = { appId, now: startedAt, platforms: PLATFORMS, exclusions: [], devices: 'all' } as const;
  const counts = await countPlanned(
    db,
    { ...planning, from: { audience }, ...range.only },
    { timeoutMs: STEP_MS },
  );
  // The clock is read again because the step took a while.
  await storeStep(db, hold, { counts, range, now: await clock() });
  return !range.isLast;
}

async function storeStep(
  db: Db,
  { audienceId, run }: RefreshHold,
  { counts, range, now }: { counts: AudienceCounts; range: Range; now: Date },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('audience_refreshes')
      .select(['counts', 'done', 'total'])
      .where('audience_id', '=', audienceId)
      .where('run', '=', run)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return;
    await trx
      .updateTable('audience_refreshes')
      .set({
        counts: JSON.stringify(addCounts(row.counts, counts)),
        // Devices may have been added or deleted since the total was read.
        done: range.isLast ? row.total : Math.min(row.total, row.done + range.size),
        ...range.next,
        ...(range.isLast ? { state: 'done' as const, finished_at: now } : {}),
        beat_at: now,
      })
      .where('audience_id', '=', audienceId)
      .execute();
  });
}

export async function endRefresh(
  db: Db,
  { audienceId, run }: RefreshHold,
  end: { state: 'failed'; reason: string; now: Date },
): Promise<void> {
  await db
    .updateTable('audience_refreshes')
    .set({ state: end.state, reason: end.reason, finished_at: end.now })
    .where('audience_id', '=', audienceId)
    .where('run', '=', run)
    .execute();
}

/** The range that one step counts, and the start of the next range. */
interface Range {
  readonly only: Pick<RecipientQuery, 'between' | 'members'>;
  readonly size: number;
  readonly next: { next_no: number } | { next_kind: number; next_id: string };
  readonly isLast: boolean;
}

async function nextDevices(db: Db, { appId, nextNo: from, limit }: LimitedStep): Promise<Range> {
  const { rows } = await sql<{ last: number | null; size: number }>`
    select max(no) as last, count(*) as size from (
      select no
      from devices
      where app_id = ${appId} and no >= ${from}::bigint
      order by no
      limit ${limit}
    ) next`.execute(db);
  const { last = null, size = 0 } = rows[0] ?? {};
  const to = (last ?? from) + 1;
  return { only: { between: [from, to] }, size, next: { next_no: to }, isLast: size < limit };
}

const LAST_KIND = 1;

async function nextMembers(
  db: Db,
  { id, version }: AudienceSource,
  { nextKind: kind, nextId: after, limit }: LimitedStep,
): Promise<Range> {
  const { rows } = await sql<{ last: string | null; size: number }>`
    select max(id) as last, count(*) as size from (
      select id
      from audience_members
      where audience_id = ${id} and version = ${version} and kind = ${kind} and id > ${after}
      order by id
      limit ${limit}
    ) next`.execute(db);
  const { last = null, size = 0 } = rows[0] ?? {};
  const to = last ?? after;
  const isWhole = size < limit;
  return {
    only: { members: { kind, after, to } },
    size,
    next: isWhole ? { next_kind: kind + 1, next_id: '' } : { next_kind: kind, next_id: to },
    isLast: isWhole && kind === LAST_KIND,
  };
}
