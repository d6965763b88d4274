import { sql } from 'kysely';
import { APP_STOPPED } from '../domain/app-stop.ts';
import { LEASE_SILENT_MS } from '../domain/lease-time.ts';
import { insertAct, type Origin } from './audit.ts';
import type { Db } from './database.ts';

export interface AppStop {
  readonly at: Date;
  readonly by: { readonly id: string; readonly name: string };
  readonly reason: string;
}

interface Act {
  readonly appId: string;
  readonly personId: string;
  readonly origin: Origin;
  readonly now: Date;
}

/**
 * The emergency stop, in two commits. From the first on no new claim starts; the second waits for those under way,
 * which are then the last: whatever runs, and whatever is approved later. Without the first it would wait for a gap
 * between claims, which busy senders do not leave. Asked again it changes nothing; the first one stands.
 */
export async function stopApp(db: Db, { reason, ...act }: Act & { reason: string }): Promise<void> {
  const { appId, personId, now } = act;
  await db.transaction().execute(async (trx) => {
    const stopped = await trx
      .insertInto('app_stops')
      .values({ app_id: appId, at: now, person_id: personId, reason })
      .onConflict((conflict) => conflict.doNothing())
      .returning('app_id')
      .executeTakeFirst();
    if (stopped !== undefined) await insertAct(trx, { ...act, verb: 'stop_app', detail: reason });
  });
  await db.transaction().execute(async (trx) => {
    await lockStop(trx, appId);
    await trx
      .updateTable('apps')
      .set({ stopped_at: now })
      .where('id', '=', appId)
      .where('stopped_at', 'is', null)
      // Somebody may have lifted it meanwhile.
      .where(({ exists, selectFrom }) => exists(selectFrom('app_stops').where('app_id', '=', appId)))
      .execute();
  });
}

/** A stop and its end at one moment: one after the other. */
async function lockStop(trx: Db, appId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`app_stops ${appId}`}, 0))`.execute(trx);
}

/** Lets the app send again. Whoever calls tells what `listStopped` names to go on. */
export async function liftStop(db: Db, act: Act): Promise<void> {
  const { appId, personId } = act;
  await db.transaction().execute(async (trx) => {
    await lockStop(trx, appId);
    const lifted = await trx
      .deleteFrom('app_stops')
      .where('app_id', '=', appId)
      .returning('app_id')
      .executeTakeFirst();
    await trx
      .updateTable('apps')
      .set({ stopped_at: null, resumed_by: personId })
      .where('id', '=', appId)
      .execute();
    if (lifted !== undefined) await insertAct(trx, { ...act, verb: 'resume_app' });
  });
}

export async function findAppStop(db: Db, { appId }: { appId: string }): Promise<AppStop | undefined> {
  const row = await db
    .selectFrom('app_stops as s')
    .innerJoin('people as p', 'p.id', 's.person_id')
    .select(['s.at', 's.person_id', 's.reason', 'p.name'])
    .where('s.app_id', '=', appId)
    .executeTakeFirst();
  return row && { at: row.at, by: { id: row.person_id, name: row.name }, reason: row.reason };
}

/** Whether a sender may hold a lease of the app, with devices that it claimed before the stop and has not written yet. */
export async function hasSenders(db: Db, { appId, now }: { appId: string; now: Date }): Promise<boolean> {
  const lease = await db
    .selectFrom('leases as l')
    .innerJoin('pushes as p', 'p.no', 'l.push_no')
    .select('l.lease_no')
    .where('p.app_id', '=', appId)
    .where('p.finalised_at', 'is', null)
    .where('l.done', '=', false)
    .where('l.seen_at', '>', new Date(now.getTime() - LEASE_SILENT_MS))
    .limit(1)
    .executeTakeFirst();
  return lease !== undefined;
}

export interface StoppedTask {
  readonly taskId: string;
  /** Who lifted the stop: in their name the task goes on. */
  readonly resumedBy: string;
}

/** Tasks that a stop had paused, in apps where none holds any more. */
export async function listStopped(
  db: Db,
  { appId, limit }: { appId?: string; limit: number },
): Promise<StoppedTask[]> {
  return await db
    .selectFrom('tasks as t')
    .innerJoin('apps as a', 'a.id', 't.app_id')
    .select(['t.id as taskId', sql<string>`a.resumed_by`.as('resumedBy')])
    .where('t.status', '=', 'paused')
    .where('t.status_reason', '=', APP_STOPPED)
    .where('a.stopped_at', 'is', null)
    .where('a.resumed_by', 'is not', null)
    .$if(appId !== undefined, (query) => query.where('a.id', '=', appId ?? ''))
    .orderBy('t.id')
    .limit(limit)
    .execute();
}
