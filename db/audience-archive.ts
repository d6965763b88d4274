import { sql } from 'kysely';
import { atomically, type Db } from './database.ts';

export type ArchiveResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly usedBy: readonly string[] };

const SHOWN = 10;

/** Takes an audience away that nothing uses any more; undefined when the app has no such one. */
export async function archiveAudience(
  db: Db,
  args: { appId: string; id: string; now: Date },
): Promise<ArchiveResult | undefined> {
  const { appId, id, now } = args;
  return await atomically(db, async (trx) => {
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

/** Tasks that may still push to it, and audiences whose newest version names it. */
async function usersOf(db: Db, appId: string, id: string): Promise<string[]> {
  const named = JSON.stringify([{ id }]);
  const { rows } = await sql<{ id: string }>`
    select distinct t.id from tasks t
      join task_revisions r on r.task_id = t.id and r.revision in (t.revision, t.approved_revision)
      where t.app_id = ${appId} and t.archived_at is null
        and t.status not in ('collecting', 'completed', 'cancelled', 'expired', 'failed')
        and (r.definition #>> '{audience,id}' = ${id} or r.definition -> 'exclusions' @> ${named}::jsonb)
    union all
    select a.id from audiences a
      join audience_versions v on v.audience_id = a.id and v.version = a.version
      where a.app_id = ${appId} and a.archived_at is null and a.id <> ${id} and a.kind in ('rule', 'combination')
        and strpos(v.source::text, ${JSON.stringify(id)}) > 0
    order by 1 limit ${SHOWN}`.execute(db);
  return rows.map((row) => row.id);
}
