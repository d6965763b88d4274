import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Sets or lifts the rate of the task and of its pushes under way. */
export async function setRate(
  db: Db,
  args: { taskId: string; perSecond: number | null; now: Date },
): Promise<void> {
  const pushes = db
    .selectFrom('pushes')
    .select('no')
    .where('task_id', '=', args.taskId)
    .where('status', 'in', ['preparing', 'sending', 'paused']);
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('tasks')
      .set({ rate_per_second: args.perSecond })
      .where('id', '=', args.taskId)
      .execute();
    if (args.perSecond === null) {
      await trx.deleteFrom('push_rates').where('push_no', 'in', pushes).execute();
      return;
    }
    await trx
      .insertInto('push_rates')
      .columns(['push_no', 'per_second', 'next_at'])
      .expression(
        pushes.clearSelect().select(['no', sql.val(args.perSecond).as('rate'), sql.val(args.now).as('at')]),
      )
      .onConflict((conflict) =>
        conflict.column('push_no').doUpdateSet((eb) => ({ per_second: eb.ref('excluded.per_second') })),
      )
      .execute();
  });
}

export interface Grant {
  /** How many may be sent; the wish when the push has no rate. */
  readonly count: number;
  readonly waitMs: number;
}

/** How much of a second's rate one grant may take, so that senders share it evenly. */
const SHARE = 0.05;

/** Takes tokens of the push's rate, shared by all workers: each grant moves the time at which the next is due. */
export async function takeTokens(db: Db, args: { pushNo: number; wish: number; now: Date }): Promise<Grant> {
  const { rows } = await sql<{ count: number; wait_ms: number }>`
    update push_rates r
    set next_at = greatest(r.next_at, ${args.now}::timestamptz) + granted.count * interval '1 second' / r.per_second
    from (
      select push_no, next_at, least(${args.wish}::int, greatest(1, (per_second * ${SHARE}::float8)::int)) as count
      from push_rates where push_no = ${args.pushNo} for update
    ) granted
    where r.push_no = granted.push_no
    returning granted.count,
      greatest(0, extract(epoch from granted.next_at - ${args.now}::timestamptz) * 1000)::float8 as wait_ms`.execute(
    db,
  );
  const [grant] = rows;
  return grant === undefined
    ? { count: args.wish, waitMs: 0 }
    : { count: grant.count, waitMs: grant.wait_ms };
}
