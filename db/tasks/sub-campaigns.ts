import { sql, type Transaction } from 'kysely';
import { type Db, inTransaction } from '../core/database.ts';
import { afterCursor, type Paged, type PageRequest, toPage } from '../core/paging.ts';
import { SQL_STATE, sqlStateOf } from '../core/sql-state.ts';
import type { Schema } from '../schema/schema.ts';

export interface SubCampaign {
  readonly id: string;
  readonly name: string;
  /** Number of listed tasks in the sub-campaign. */
  readonly tasks: number;
  readonly createdBy: string;
  readonly createdAt: Date;
}

type Key = { readonly appId: string; readonly id: string };

/** False when the app already has a sub-campaign of that name. */
export async function insertSubCampaign(
  db: Db,
  campaign: Key & { name: string; personId: string; now: Date },
): Promise<boolean> {
  const { appId, id, name, personId, now } = campaign;
  const inserted = await db
    .insertInto('sub_campaigns')
    .values({ id, app_id: appId, name, created_by: personId, created_at: now })
    .onConflict((conflict) => conflict.columns(['app_id', 'name']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

export async function findSubCampaign(db: Db, { appId, id }: Key): Promise<SubCampaign | undefined> {
  return await select(db, appId).where('campaign.id', '=', id).executeTakeFirst();
}

/** Lists the sub-campaigns of the app, newest first. */
export async function listSubCampaigns(
  db: Db,
  appId: string,
  page: PageRequest,
): Promise<Paged<SubCampaign>> {
  const rows = await select(db, appId)
    .where(({ ref }) => afterCursor(ref('campaign.created_at'), ref('campaign.id'), page.cursor))
    .orderBy('campaign.created_at', 'desc')
    .orderBy('campaign.id', 'desc')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows, page.limit);
}

/** `taken`: another sub-campaign of the app has that name. */
export async function renameSubCampaign(
  db: Db,
  { appId, id, name }: Key & { name: string },
): Promise<'done' | 'gone' | 'taken'> {
  const update = db
    .updateTable('sub_campaigns')
    .set({ name })
    .where('app_id', '=', appId)
    .where('id', '=', id);
  try {
    const { numUpdatedRows } = await update.executeTakeFirstOrThrow();
    return numUpdatedRows === 0n ? 'gone' : 'done';
  } catch (error) {
    if (sqlStateOf(error) === SQL_STATE.uniqueViolation) return 'taken';
    throw error;
  }
}

/** Deletes the sub-campaign. Its tasks stay. */
export async function deleteSubCampaign(db: Db, { appId, id }: Key): Promise<boolean> {
  return await inTransaction(db, async (trx) => {
    const row = await trx
      .selectFrom('sub_campaigns')
      .select('id')
      .where('app_id', '=', appId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return false;
    await trx.deleteFrom('task_sub_campaigns').where('sub_campaign_id', '=', id).execute();
    await trx.deleteFrom('sub_campaigns').where('id', '=', id).execute();
    return true;
  });
}

/** Links the task to these sub-campaigns and to no others. Answers the IDs that the app does not have. */
export async function linkSubCampaigns(
  trx: Transaction<Schema>,
  args: { appId: string; taskId: string; ids: readonly string[] },
): Promise<string[]> {
  const { appId, taskId, ids } = args;
  const found = await trx
    .selectFrom('sub_campaigns')
    .select('id')
    .where('app_id', '=', appId)
    .where('id', 'in', ids.length === 0 ? [''] : ids)
    .forKeyShare()
    .execute();
  const known = new Set(found.map(({ id }) => id));
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) return missing;
  await sql`
    with gone as (
      delete from task_sub_campaigns
      where task_id = ${taskId} and sub_campaign_id <> all(${ids}::text[])
    )
    insert into task_sub_campaigns (task_id, sub_campaign_id)
    select ${taskId}, unnest(${ids}::text[])
    on conflict do nothing`.execute(trx);
  return [];
}

export interface LinkedSubCampaign {
  readonly id: string;
  readonly name: string;
}

/** Sub-campaigns by task, sorted by name. Tasks without any are missing. */
export async function subCampaignsOf(
  db: Db,
  taskIds: readonly string[],
): Promise<Map<string, LinkedSubCampaign[]>> {
  if (taskIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('task_sub_campaigns as link')
    .innerJoin('sub_campaigns as campaign', 'campaign.id', 'link.sub_campaign_id')
    .select(['link.task_id', 'campaign.id', 'campaign.name'])
    .where('link.task_id', 'in', taskIds)
    .orderBy('campaign.name')
    .execute();
  const of = new Map<string, LinkedSubCampaign[]>();
  for (const { task_id, id, name } of rows) of.set(task_id, [...(of.get(task_id) ?? []), { id, name }]);
  return of;
}

function select(db: Db, appId: string) {
  return db
    .selectFrom('sub_campaigns as campaign')
    .select([
      'campaign.id',
      'campaign.name',
      'campaign.created_by as createdBy',
      'campaign.created_at as createdAt',
    ])
    .select(
      sql<number>`(
        select count(*)::int
        from task_sub_campaigns link
        join tasks task on task.id = link.task_id
        where link.sub_campaign_id = campaign.id and task.archived_at is null
      )`.as('tasks'),
    )
    .where('campaign.app_id', '=', appId);
}
