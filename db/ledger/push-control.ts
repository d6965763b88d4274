import { type RawBuilder, sql } from 'kysely';
import { PUSHES_UNDER_WAY } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import type { SqlValues } from './statement.ts';

export type RequestedState = 'pause' | 'cancel';

/**
 * Stops the pushes of the task: after the commit no sender can claim. A fence works while no workflow worker
 * runs. The workflow adopts `wanted` later if no command reaches it. Returns how many pushes were fenced.
 */
export async function fenceTask(db: Db, args: { taskId: string; wanted: RequestedState }): Promise<number> {
  const pushes = db
    .selectFrom('pushes')
    .select('no')
    .where('task_id', '=', args.taskId)
    .where('status', 'in', PUSHES_UNDER_WAY);
  return await fence(db, pushes, args.wanted);
}

/**
 * Yields a row when the push may be claimed from under this epoch. The row is share-locked, so that a fence
 * or an emergency stop of the app waits for the claim, and no claim succeeds after it.
 */
export function shareLockOpenPush({
  pushNo,
  epoch,
}: SqlValues<{ pushNo: number; epoch: number }>): RawBuilder<unknown> {
  return sql`
    select 1
    from push_control control
    join pushes push on push.no = control.push_no
    join apps app on app.id = push.app_id
    where control.push_no = ${pushNo}
      and control.epoch = ${epoch}
      and control.open
      and app.stopped_at is null
      and not exists (select from app_stops stop where stop.app_id = app.id)
    for share of control, app`;
}

export async function fencePush(
  db: Db,
  args: { pushNo: number; wanted: RequestedState | null },
): Promise<void> {
  await fence(db, db.selectFrom('pushes').select('no').where('no', '=', args.pushNo), args.wanted);
}

export interface OpenedPush {
  readonly epoch: number;
  /** Set when the push was fenced in the meantime. The push is then not open. */
  readonly wanted: RequestedState | null;
  /** Emergency stop of the app: nothing can be claimed. */
  readonly isAppStopped: boolean;
  /** The leases that are due from the start, without waiting for a time zone. */
  readonly leases: number[];
}

/** Lets senders claim, under a new epoch. Only a resume clears the requested state. */
export async function openPush(db: Db, args: { pushNo: number; resume: boolean }): Promise<OpenedPush> {
  const control = await db
    .updateTable('push_control')
    .set((eb) => ({
      epoch: eb('epoch', '+', 1),
      open: args.resume ? sql<boolean>`wanted is distinct from 'cancel'` : sql<boolean>`wanted is null`,
      wanted: args.resume ? sql<RequestedState | null>`nullif(wanted, 'pause')` : eb.ref('wanted'),
    }))
    .where('push_no', '=', args.pushNo)
    .returning(['epoch', 'wanted'])
    .executeTakeFirstOrThrow();
  const leases = await db
    .selectFrom('leases')
    .select('lease_no')
    .where('push_no', '=', args.pushNo)
    .where('done', '=', false)
    .where('due_at', 'is', null)
    .orderBy('lease_no')
    .execute();
  const app = await db
    .selectFrom('pushes as push')
    .innerJoin('apps as app', 'app.id', 'push.app_id')
    .leftJoin('app_stops as stop', 'stop.app_id', 'app.id')
    .select(['app.stopped_at', 'stop.at'])
    .where('push.no', '=', args.pushNo)
    .executeTakeFirstOrThrow();
  return {
    ...control,
    isAppStopped: app.stopped_at !== null || app.at !== null,
    leases: leases.map((lease) => lease.lease_no),
  };
}

/** A later cancel replaces a pause, never the other way round. */
async function fence(
  db: Db,
  pushes: ReturnType<typeof pushNumbers>,
  wanted: RequestedState | null,
): Promise<number> {
  const result = await db
    .updateTable('push_control')
    .set((eb) => ({
      epoch: eb('epoch', '+', 1),
      open: false,
      wanted:
        wanted === null
          ? eb.ref('wanted')
          : sql<RequestedState>`case when wanted = 'cancel' then wanted else ${wanted} end`,
    }))
    .where('push_no', 'in', pushes)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

function pushNumbers(db: Db) {
  return db.selectFrom('pushes').select('no');
}
