import { sql } from 'kysely';
import { APP_STOPPED } from '../domain/app-stop.ts';
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
 * The emergency stop: waits for the claims under way, and from its commit on none of the app succeeds, whatever runs
 * or is approved. Asked again it changes nothing; the first one stands.
 */
export async function stopApp(db: Db, { reason, ...act }: Act & { reason: string }): Promise<void> {
  const { appId, personId, now } = act;
  await db.transaction().execute(async (trx) => {
    const stopped = await trx
      .updateTable('apps')
      .set({ stopped_at: now, stopped_by: personId, stop_reason: reason })
      .where('id', '=', appId)
      .where('stopped_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    if (stopped !== undefined) await insertAct(trx, { ...act, verb: 'stop_app', detail: reason });
  });
}

/** Lets the app send again. What the stop had paused is told to go on by whoever calls `listStopped`. */
export async function liftStop(db: Db, act: Act): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const stop = await findAppStop(trx, act);
    await trx
      .updateTable('apps')
      .set({ stopped_at: null, stopped_by: null, stop_reason: null, resumed_by: act.personId })
      .where('id', '=', act.appId)
      .execute();
    if (stop !== undefined) await insertAct(trx, { ...act, verb: 'resume_app' });
  });
}

export async function findAppStop(db: Db, { appId }: { appId: string }): Promise<AppStop | undefined> {
  const row = await db
    .selectFrom('apps as a')
    .leftJoin('people as p', 'p.id', 'a.stopped_by')
    .select(['a.stopped_at', 'a.stopped_by', 'a.stop_reason', 'p.name'])
    .where('a.id', '=', appId)
    .executeTakeFirst();
  if (row === undefined || row.stopped_at === null) return undefined;
  const by = { id: row.stopped_by ?? '', name: row.name ?? '' };
  return { at: row.stopped_at, by, reason: row.stop_reason ?? '' };
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
