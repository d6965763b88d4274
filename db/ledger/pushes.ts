import { type Selectable, sql } from 'kysely';
import type { Statistics } from '../../domain/pushes/metrics.ts';
import type { NotSentReason } from '../../domain/pushes/reasons.ts';
import type { PushStatus } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import type { PushesTable } from '../schema/schema-ledger.ts';
import { putRate, taskRate } from './rates.ts';
import { abandonUnsent, countInFlight, type LeaseOfPush, sweepInFlight } from './sweep.ts';

/** Makes the push and its control row. A second call finds them. */
export async function createPush(
  db: Db,
  args: {
    id: string;
    taskId: string;
    seq: number;
    revision: number;
    dueAt: Date;
    windowMs: number;
    now: Date;
  },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const task = await trx
      .selectFrom('tasks')
      .select(['app_id', 'rate_per_second'])
      .where('id', '=', args.taskId)
      .executeTakeFirstOrThrow();
    const push = await trx
      .insertInto('pushes')
      .values({
        id: args.id,
        app_id: task.app_id,
        task_id: args.taskId,
        seq: args.seq,
        revision: args.revision,
        status: 'preparing',
        due_at: args.dueAt,
        window_ms: args.windowMs,
        created_at: args.now,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('no')
      .executeTakeFirst();
    if (push === undefined) return;
    await trx.insertInto('push_control').values({ push_no: push.no, wanted: null }).execute();
    await putRate(trx, { key: taskRate(args.taskId), perSecond: task.rate_per_second, now: args.now });
  });
}

export type PushRow = Selectable<PushesTable>;

export async function findPush(db: Db, id: string): Promise<PushRow> {
  return await db.selectFrom('pushes').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

export async function setPushStatus(
  db: Db,
  args: { pushNo: number; status: PushStatus; reason: string | null; now: Date },
): Promise<void> {
  await db
    .updateTable('pushes')
    .set({ status: args.status, status_reason: args.reason, status_at: args.now })
    .where('no', '=', args.pushNo)
    .execute();
}

/** Shows why a push that is sending makes no progress. The reason of another status stays. */
export async function showTrouble(db: Db, args: { pushNo: number; trouble: string }): Promise<void> {
  await db
    .updateTable('pushes')
    .set({ status_reason: args.trouble })
    .where('no', '=', args.pushNo)
    .where('status', '=', 'sending')
    .where('status_reason', 'is distinct from', args.trouble)
    .execute();
}

export async function hideTrouble(db: Db, args: { pushNo: number; trouble: string }): Promise<void> {
  await db
    .updateTable('pushes')
    .set({ status_reason: null })
    .where('no', '=', args.pushNo)
    .where('status', '=', 'sending')
    .where('status_reason', '=', args.trouble)
    .execute();
}

/** Starts the push and its window, once: at the first claim, or when there are no devices to send to. */
export async function ensureStarted(db: Db, args: { pushNo: number; now: Date }): Promise<void> {
  await db
    .updateTable('pushes')
    .set({
      started_at: args.now,
      window_ends_at: sql<Date>`${args.now}::timestamptz + window_ms * interval '1 millisecond'`,
    })
    .where('no', '=', args.pushNo)
    .where('started_at', 'is', null)
    .execute();
}

export interface Settlement {
  /** Requests that are still unanswered, by leases whose sender waits for them. */
  readonly inFlight: number;
  /** The deadline of the last of these requests. */
  readonly drainedAt: Date | null;
}

/**
 * Settles a push whose senders stopped. Leases that a sender did not give back are revoked, and their rows in
 * flight become ambiguous. With `abandon`, deliveries that were not sent get that reason, and the leases are
 * done.
 */
export async function settleStopped(
  db: Db,
  args: {
    pushNo: number;
    partitionStart: Date;
    now: Date;
    abandon: NotSentReason | null;
    onLease?: () => void;
  },
): Promise<Settlement> {
  let inFlight = 0;
  let drainedAt: Date | null = null;
  const leases = await db
    .selectFrom('leases')
    .select(['lease_no', 'draining_until'])
    .where('push_no', '=', args.pushNo)
    .where('done', '=', false)
    // A lease that was never taken has nothing in flight. Thousands of leases may wait for their time.
    .$if(args.abandon === null, (query) => query.where('epoch', '>', 0))
    .execute();
  for (const { lease_no, draining_until } of leases) {
    args.onLease?.();
    const lease = {
      pushNo: args.pushNo,
      leaseNo: lease_no,
      partitionStart: args.partitionStart,
      now: args.now,
    };
    const waiting = draining_until !== null && draining_until > args.now ? await countInFlight(db, lease) : 0;
    if (args.abandon !== null) await abandonUnsent(db, lease, args.abandon);
    if (waiting > 0) {
      inFlight += waiting;
      if (drainedAt === null || (draining_until !== null && draining_until > drainedAt))
        drainedAt = draining_until;
    } else {
      await revokeLease(db, lease, args.abandon !== null);
    }
  }
  return { inFlight, drainedAt };
}

async function revokeLease(db: Db, lease: LeaseOfPush, isDone: boolean): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('leases')
      .set((eb) => ({ attempt: eb('attempt', '+', 1_000_000), done: isDone }))
      .where('push_no', '=', lease.pushNo)
      .where('lease_no', '=', lease.leaseNo)
      .execute();
    await sweepInFlight(trx, lease);
  });
}

/** Freezes the statistics once: a later call changes nothing. */
export async function freezeStatistics(
  db: Db,
  args: { pushNo: number; statistics: Statistics; now: Date },
): Promise<void> {
  await db
    .updateTable('pushes')
    .set({ statistics: JSON.stringify(args.statistics), finalised_at: args.now })
    .where('no', '=', args.pushNo)
    .where('finalised_at', 'is', null)
    .execute();
}

export async function markDeliveriesDeleted(db: Db, args: { pushNo: number; now: Date }): Promise<void> {
  await db
    .updateTable('pushes')
    .set({ deliveries_deleted_at: args.now })
    .where('no', '=', args.pushNo)
    .where('deliveries_deleted_at', 'is', null)
    .execute();
}
