import { sql } from 'kysely';
import { PUSHES_JOINABLE } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import { type DueTrigger, ENTRY } from './triggers.ts';

/**
 * Records that no user could join the push, for a reason that waiting does not take away. The push shows the
 * reason, and the audit of the task has it once for each push. Users who become too late are skipped, so that
 * the task comes to its end. Says whether the reason is new.
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
      update trigger_entries entry
      set state = ${ENTRY.skipped}
      from triggers trig
      where trig.task_id = ${taskId}
        and entry.task_id = trig.task_id
        and entry.state = ${ENTRY.waiting}
        and entry.due_at + trig.grace_ms * interval '1 millisecond' < ${now}`.execute(trx);
    const detail = `${push.id}: ${reason}`;
    const { numAffectedRows } = await sql`
      insert into audit (app_id, task_id, at, action, via, revision, outcome, detail)
      select ${appId}, ${taskId}, ${now}, 'join', 'event', ${revision}, 'ignored', ${detail}
      where not exists (
        select from audit
        where task_id = ${taskId} and action = 'join' and detail = ${detail}
      )`.execute(trx);
    return numAffectedRows === 1n;
  });
}
