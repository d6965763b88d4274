import { sql } from 'kysely';
import { PUSHES_JOINABLE } from '../domain/task-status.ts';
import type { Db } from './database.ts';
import { type DueTrigger, ENTRY } from './triggers.ts';

/**
 * Nobody could join the push, for a reason that waiting does not take away: the push shows it, and the task's audit
 * once for each push. Who is too late meanwhile is skipped, so that the task comes to its end. Says whether it is new.
 */
export async function recordUnjoinable(
  db: Db,
  args: DueTrigger & { push: { readonly no: number; readonly id: string }; reason: string; now: Date },
): Promise<boolean> {
  const { taskId, appId, revision, push, reason, now } = args;
  return await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('pushes')
      .set({ status_reason: reason })
      .where('no', '=', push.no)
      .where('status', 'in', PUSHES_JOINABLE)
      .where('status_reason', 'is distinct from', reason)
      .execute();
    await sql`
      update trigger_entries e set state = ${ENTRY.skipped} from triggers t
      where t.task_id = ${taskId} and e.task_id = t.task_id and e.state = ${ENTRY.waiting}
        and e.due_at + t.grace_ms * interval '1 millisecond' < ${now}`.execute(trx);
    const { numAffectedRows } = await sql`
      insert into audit (app_id, task_id, at, verb, via, revision, outcome, detail)
      select ${appId}, ${taskId}, ${now}, 'join', 'event', ${revision}, 'ignored', ${`${push.id}: ${reason}`}
      where not exists (select from audit where task_id = ${taskId} and verb = 'join' and detail = ${`${push.id}: ${reason}`})`.execute(
      trx,
    );
    return numAffectedRows === 1n;
  });
}
