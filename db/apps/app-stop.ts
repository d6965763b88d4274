import { sql, type Transaction } from 'kysely';
import { APP_STOPPED } from '../../domain/pushes/app-stop.ts';
import { LEASE_SILENT_MS } from '../../domain/pushes/lease-time.ts';
import { insertAuditEntry, type Origin } from '../audit/audit.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

export interface AppStop {
  readonly at: Date;
  readonly by: { readonly id: string; readonly name: string };
  readonly reason: string;
}

interface StopRequest {
  readonly appId: string;
  readonly personId: string;
  readonly origin: Origin;
  readonly now: Date;
}

/**
 * The emergency stop, in two commits. After the first commit no new claim starts. The second waits for the
 * claims under way, which are then the last, also for tasks that are approved later. Without the first, the
 * second would wait for a gap between claims, which busy senders do not leave. A repeated stop changes
 * nothing, and the time and reason of the first one stay.
 */
export async function stopApp(
  db: Db,
  { reason, ...request }: StopRequest & { reason: string },
): Promise<void> {
  const { appId, personId, now } = request;
  await db.transaction().execute(async (trx) => {
    const stopped = await trx
      .insertInto('app_stops')
      .values({ app_id: appId, at: now, person_id: personId, reason })
      .onConflict((conflict) => conflict.doNothing())
      .returning('app_id')
      .executeTakeFirst();
    if (stopped !== undefined)
      await insertAuditEntry(trx, { ...request, action: 'stop_app', detail: reason });
  });
  await db.transaction().execute(async (trx) => {
    await lockStop(trx, appId);
    await trx
      .updateTable('apps')
      .set({ stopped_at: now })
      .where('id', '=', appId)
      .where('stopped_at', 'is', null)
      // The stop may have been lifted between the two commits.
      .where(({ exists, selectFrom }) => exists(selectFrom('app_stops').where('app_id', '=', appId)))
      .execute();
  });
}

/** Makes a stop and a resumption at the same moment run one after the other. */
async function lockStop(trx: Transaction<Schema>, appId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`app_stops ${appId}`}, 0))`.execute(trx);
}

/** Lets the app send again. The caller resumes the tasks that `listStopped` names. */
export async function liftStop(db: Db, request: StopRequest): Promise<void> {
  const { appId, personId } = request;
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
    if (lifted !== undefined) await insertAuditEntry(trx, { ...request, action: 'resume_app' });
  });
}

export async function findAppStop(db: Db, { appId }: { appId: string }): Promise<AppStop | undefined> {
  const row = await db
    .selectFrom('app_stops')
    .innerJoin('people', 'people.id', 'app_stops.person_id')
    .select(['app_stops.at', 'app_stops.person_id', 'app_stops.reason', 'people.name'])
    .where('app_stops.app_id', '=', appId)
    .executeTakeFirst();
  return row && { at: row.at, by: { id: row.person_id, name: row.name }, reason: row.reason };
}

/** Whether a sender may still hold devices of the app that it claimed before the stop and has not settled. */
export async function hasSenders(db: Db, { appId, now }: { appId: string; now: Date }): Promise<boolean> {
  const lease = await db
    .selectFrom('leases')
    .innerJoin('pushes', 'pushes.no', 'leases.push_no')
    .select('leases.lease_no')
    .where('pushes.app_id', '=', appId)
    .where('pushes.finalised_at', 'is', null)
    .where('leases.done', '=', false)
    .where('leases.seen_at', '>', new Date(now.getTime() - LEASE_SILENT_MS))
    .limit(1)
    .executeTakeFirst();
  return lease !== undefined;
}

export interface StoppedTask {
  readonly taskId: string;
  /** The person who lifted the stop, in whose name the task resumes. */
  readonly resumedBy: string;
}

/** Tasks that a stop paused, in apps that are no longer stopped. */
export async function listStopped(
  db: Db,
  { appId, limit }: { appId?: string; limit: number },
): Promise<StoppedTask[]> {
  return await db
    .selectFrom('tasks')
    .innerJoin('apps', 'apps.id', 'tasks.app_id')
    .select(['tasks.id as taskId', sql<string>`apps.resumed_by`.as('resumedBy')])
    .where('tasks.status', '=', 'paused')
    .where('tasks.status_reason', '=', APP_STOPPED)
    .where('apps.stopped_at', 'is', null)
    .where('apps.resumed_by', 'is not', null)
    .$if(appId !== undefined, (query) => query.where('apps.id', '=', appId ?? ''))
    .orderBy('tasks.id')
    .limit(limit)
    .execute();
}
