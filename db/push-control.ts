import { type RawBuilder, sql } from 'kysely';
import { PUSHES_UNDER_WAY } from '../domain/task-status.ts';
import type { Db } from './database.ts';
import type { SqlValues } from './statement.ts';

export type RequestedState = 'pause' | 'cancel';

/**
 * Stops the task's pushes: from the commit on no sender can claim. Works while no workflow worker runs;
 * the workflow adopts `wanted` if nobody tells it. Returns how many pushes were fenced.
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
 * A row when the push may be claimed from under this epoch. Share-locked, so that a fence or an emergency stop of
 * the app waits for the claim, and no claim succeeds after it.
 */
export function shareLockOpenPush({
  pushNo,
  epoch,
}: SqlValues<{ pushNo: number; epoch: number }>): RawBuilder<unknown> {
  return sql`
    select 1 from push_control c join pushes p on p.no = c.push_no join apps a on a.id = p.app_id
    where c.push_no = ${pushNo} and c.epoch = ${epoch} and c.open and a.stopped_at is null
      and not exists (select from app_stops s where s.app_id = a.id)
    for share of c, a`;
}

export async function fencePush(
  db: Db,
  args: { pushNo: number; wanted: RequestedState | null },
): Promise<void> {
  await fence(db, db.selectFrom('pushes').select('no').where('no', '=', args.pushNo), args.wanted);
}

export interface OpenedPush {
  readonly epoch: number;
  /** Set when somebody fenced the push meanwhile; it is then not open. */
  readonly wanted: RequestedState | null;
  /** Emergency stop of the app: nothing can be claimed. */
  readonly isAppStopped: boolean;
  /** Those that wait for no time zone. */
  readonly leases: number[];
}

/** Lets senders claim, under a new epoch. Only a resume clears what somebody wanted. */
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
    .selectFrom('pushes as p')
    .innerJoin('apps as a', 'a.id', 'p.app_id')
    .leftJoin('app_stops as s', 's.app_id', 'a.id')
    .select(['a.stopped_at', 's.at'])
    .where('p.no', '=', args.pushNo)
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
