import { sql } from 'kysely';
import { PLATFORMS } from '../domain/platform.ts';
import { findSource } from './audience-source.ts';
import type { Db } from './database.ts';
import { addCounts, type Counts, countPlanned, NO_COUNTS } from './estimate.ts';
import { RuleError } from './rule-context.ts';

export interface Refresh {
  readonly state: 'running' | 'done' | 'failed';
  readonly version: number;
  readonly doneDevices: number;
  readonly totalDevices: number;
  /** So far, while it runs. */
  readonly counts: Counts;
  readonly reason: string | null;
  /** The moment of which the counts are. */
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** Whoever holds it counts on; a later run takes it away. */
export interface RefreshHold {
  readonly audienceId: string;
  readonly run: number;
}

/** One that has not been heard of for so long has lost its process. */
const STALE_MS = 60_000;
const STEP_MS = 45_000;
const STEP_DEVICES = 500_000;

/** Starts a recount of the newest version; undefined while another one runs. */
export async function startRefresh(
  db: Db,
  args: { appId: string; audienceId: string; version: number; now: Date },
): Promise<RefreshHold | undefined> {
  const { appId, audienceId, version, now } = args;
  const stale = new Date(now.getTime() - STALE_MS);
  const { rows } = await sql<RefreshHold>`
    insert into audience_refreshes as r
      (audience_id, version, run, state, done_devices, total_devices, next_no, counts, started_at, beat_at)
    select ${audienceId}, ${version}::int, 1, 'running', 0, count(*), coalesce(min(no), 0), ${JSON.stringify(NO_COUNTS)}::jsonb,
      ${now}::timestamptz, ${now}::timestamptz from devices where app_id = ${appId}
    on conflict (audience_id) do update set version = excluded.version, run = r.run + 1, state = 'running',
      done_devices = 0, total_devices = excluded.total_devices, next_no = excluded.next_no, counts = excluded.counts,
      reason = null, started_at = excluded.started_at, beat_at = excluded.beat_at, finished_at = null
    where r.state <> 'running' or r.beat_at < ${stale}::timestamptz
    returning audience_id as "audienceId", run`.execute(db);
  return rows[0];
}

/** Takes over what a process that is gone left; it goes on where that one stopped. */
export async function takeOverRefresh(db: Db, now: Date): Promise<RefreshHold | undefined> {
  const stale = new Date(now.getTime() - STALE_MS);
  const { rows } = await sql<RefreshHold>`
    update audience_refreshes set run = run + 1, beat_at = ${now}::timestamptz
    where audience_id = (
      select audience_id from audience_refreshes where state = 'running' and beat_at < ${stale}::timestamptz
      order by beat_at limit 1 for update skip locked
    ) returning audience_id as "audienceId", run`.execute(db);
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
      doneDevices: row.done_devices,
      totalDevices: row.total_devices,
      counts: row.counts as unknown as Counts,
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
  readonly startedAt: Date;
}

/** Counts one more range of devices; false when there is nothing left to do for this holder. */
export async function stepRefresh(db: Db, hold: RefreshHold, now: Date): Promise<boolean> {
  const step = await findStep(db, hold);
  if (step === undefined) return false;
  try {
    return await countStep(db, hold, step, now);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    await endRefresh(db, hold, { state: 'failed', reason: error.message, now });
    return false;
  }
}

async function findStep(db: Db, { audienceId, run }: RefreshHold): Promise<Step | undefined> {
  return await db
    .selectFrom('audience_refreshes as r')
    .innerJoin('audiences as a', 'a.id', 'r.audience_id')
    .select(['a.app_id as appId', 'r.version', 'r.next_no as nextNo', 'r.started_at as startedAt'])
    .where('r.audience_id', '=', audienceId)
    .where('r.run', '=', run)
    .where('r.state', '=', 'running')
    .executeTakeFirst();
}

async function countStep(db: Db, hold: RefreshHold, step: Step, now: Date): Promise<boolean> {
  const { appId, version, nextNo, startedAt } = step;
  const audience = await findSource(db, { appId, audienceId: hold.audienceId, version });
  if (audience === undefined) throw new RuleError('the audience does not exist any more');
  const hasMembers = audience.kind === 'upload' || audience.kind === 'result';
  const range = hasMembers ? undefined : await rangeFrom(db, appId, nextNo);
  const planning = { appId, now: startedAt, platforms: PLATFORMS, exclusions: [], devices: 'all' } as const;
  const between = range === undefined ? {} : { between: [nextNo, range.to] as const };
  const counts = await countPlanned(
    db,
    { ...planning, from: { audience }, ...between },
    { timeoutMs: STEP_MS },
  );
  const isLast = range === undefined || range.isLast;
  await storeStep(db, hold, { counts, range, isLast, now });
  return !isLast;
}

async function storeStep(
  db: Db,
  { audienceId, run }: RefreshHold,
  step: { counts: Counts; range: Range | undefined; isLast: boolean; now: Date },
): Promise<void> {
  const { counts, range, isLast, now } = step;
  await db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('audience_refreshes')
      .select(['counts', 'total_devices'])
      .where('audience_id', '=', audienceId)
      .where('run', '=', run)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return;
    await trx
      .updateTable('audience_refreshes')
      .set((eb) => ({
        counts: JSON.stringify(addCounts(row.counts as unknown as Counts, counts)),
        done_devices: isLast ? row.total_devices : eb('done_devices', '+', range?.devices ?? 0),
        ...(range === undefined ? {} : { next_no: range.to }),
        ...(isLast ? { state: 'done' as const, finished_at: now } : {}),
        beat_at: now,
      }))
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

interface Range {
  readonly to: number;
  readonly devices: number;
  readonly isLast: boolean;
}

async function rangeFrom(db: Db, appId: string, from: number): Promise<Range> {
  const { rows } = await sql<{ last: number | null; devices: number }>`
    select max(no) as last, count(*) as devices from (
      select no from devices where app_id = ${appId} and no >= ${from}::bigint order by no limit ${STEP_DEVICES}
    ) next`.execute(db);
  const { last = null, devices = 0 } = rows[0] ?? {};
  return { to: (last ?? from) + 1, devices, isLast: devices < STEP_DEVICES };
}
