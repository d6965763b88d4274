import { sql } from 'kysely';
import { TASKS_DONE_SENDING } from '../../domain/tasks/task-status.ts';
import { type Db, inTransaction } from '../core/database.ts';

export type ArchiveResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly usedBy: readonly string[] };

const SHOWN = 10;

/** Archives an audience that nothing uses. Undefined when the app has no such audience. */
export async function archiveAudience(
  db: Db,
  args: { appId: string; id: string; now: Date },
): Promise<ArchiveResult | undefined> {
  const { appId, id, now } = args;
  return await inTransaction(db, async (trx) => {
    const found = await trx
      .selectFrom('audiences')
      .select('id')
      .where('id', '=', id)
      .where('app_id', '=', appId)
      .where('archived_at', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (found === undefined) return undefined;
    const usedBy = await usersOf(trx, appId, id);
    if (usedBy.length > 0) return { ok: false, usedBy };
    await trx.updateTable('audiences').set({ archived_at: now }).where('id', '=', id).execute();
    return { ok: true };
  });
}

/** Tasks that may still push to the audience, and audiences whose newest version names it. */
async function usersOf(db: Db, appId: string, id: string): Promise<string[]> {
  const named = JSON.stringify([{ id }]);
  const { rows } = await sql<{ id: string }>`
    select distinct task.id
    from tasks task
    join task_revisions rev
      on rev.task_id = task.id and rev.revision in (task.revision, task.approved_revision)
    where task.app_id = ${appId}
      and task.archived_at is null
      and task.status <> all(${TASKS_DONE_SENDING}::text[])
      and (rev.definition #>> '{audience,id}' = ${id} or rev.definition -> 'exclusions' @> ${named}::jsonb)
    union all
    select other.id
    from audiences other
    join audience_versions newest on newest.audience_id = other.id and newest.version = other.version
    where other.app_id = ${appId}
      and other.archived_at is null
      and other.id <> ${id}
      and other.kind in ('rule', 'combination')
      and strpos(newest.source::text, ${JSON.stringify(id)}) > 0
    order by 1
    limit ${SHOWN}`.execute(db);
  return rows.map((row) => row.id);
}
