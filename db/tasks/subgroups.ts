import { sql, type Transaction } from 'kysely';
import { type Db, inTransaction } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

export interface Subgroup {
  readonly id: string;
  readonly name: string;
  readonly parentId: string | null;
  /** Names from the top folder to this one. */
  readonly path: string[];
  /** Number of listed tasks directly in the folder. */
  readonly tasks: number;
  readonly createdAt: Date;
}

/** Maximum depth of nested folders. */
export const MAX_DEPTH = 8;

export type SubgroupFault = 'no_parent' | 'name_taken' | 'loop' | 'too_deep' | 'not_empty' | 'gone';

type Key = { readonly appId: string; readonly id: string };

/** Lists the whole tree, each folder after its parent and siblings by name. */
export async function listSubgroups(
  db: Db,
  { appId, id }: { appId: string; id?: string },
): Promise<Subgroup[]> {
  const { rows } = await sql<Subgroup>`
    with recursive tree as (
      -- Recursion from the top folders down.
      select id, name, parent_id, created_at, array[name] as path
      from subgroups
      where app_id = ${appId} and parent_id is null
      union all
      select child.id, child.name, child.parent_id, child.created_at, tree.path || child.name
      from tree
      join subgroups child on child.app_id = ${appId} and child.parent_id = tree.id
    )
    select id, name, parent_id as "parentId", path, created_at as "createdAt",
      (
        select count(*)::int
        from tasks
        where subgroup_id = tree.id and archived_at is null
      ) as tasks
    from tree
    where ${id ?? null}::text is null or id = ${id ?? null}
    order by path`.execute(db);
  return rows;
}

/** Protects the folder from deletion until the transaction ends. False when the app has no such folder. */
export async function holdSubgroup(trx: Transaction<Schema>, { appId, id }: Key): Promise<boolean> {
  const row = await trx
    .selectFrom('subgroups')
    .select('id')
    .where('app_id', '=', appId)
    .where('id', '=', id)
    .forKeyShare()
    .executeTakeFirst();
  return row !== undefined;
}

/** IDs of a folder and of all folders below it. */
export function withDescendants(appId: string, id: string) {
  return sql<string>`(
    with recursive below as (
      select id
      from subgroups
      where app_id = ${appId} and id = ${id}
      union all
      select child.id
      from below
      join subgroups child on child.app_id = ${appId} and child.parent_id = below.id
    )
    select id
    from below)`;
}

export async function insertSubgroup(
  db: Db,
  folder: Key & { name: string; parentId: string | null; personId: string; now: Date },
): Promise<SubgroupFault | undefined> {
  const { appId, id, name, parentId, personId, now } = folder;
  return await inTree(db, appId, async (trx) => {
    const fault = await placeFault(trx, { appId, name, parentId, moving: undefined });
    if (fault !== undefined) return fault;
    await trx
      .insertInto('subgroups')
      .values({
        id,
        app_id: appId,
        parent_id: parentId,
        name,
        created_by: personId,
        created_at: now,
        updated_at: now,
      })
      .execute();
    return undefined;
  });
}

/** Renames and moves a folder. */
export async function changeSubgroup(
  db: Db,
  change: Key & { name?: string | undefined; parentId?: string | null | undefined; now: Date },
): Promise<SubgroupFault | undefined> {
  const { appId, id, now } = change;
  return await inTree(db, appId, async (trx) => {
    const folder = await trx
      .selectFrom('subgroups')
      .select(['name', 'parent_id'])
      .where('app_id', '=', appId)
      .where('id', '=', id)
      .executeTakeFirst();
    if (folder === undefined) return 'gone';
    const name = change.name ?? folder.name;
    const parentId = change.parentId === undefined ? folder.parent_id : change.parentId;
    const fault = await placeFault(trx, { appId, name, parentId, moving: id });
    if (fault !== undefined) return fault;
    await trx
      .updateTable('subgroups')
      .set({ name, parent_id: parentId, updated_at: now })
      .where('app_id', '=', appId)
      .where('id', '=', id)
      .execute();
    return undefined;
  });
}

/** Deletes an empty folder. Deleted tasks that were in the folder are in no folder afterwards. */
export async function deleteSubgroup(db: Db, { appId, id }: Key): Promise<SubgroupFault | undefined> {
  return await inTree(db, appId, async (trx) => {
    // A transaction that puts a task into the folder holds this row. A later one finds the folder gone.
    const row = await trx
      .selectFrom('subgroups')
      .select('id')
      .where('app_id', '=', appId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return 'gone';
    const { rows } = await sql<{ full: boolean }>`
      select
        exists (select from subgroups where app_id = ${appId} and parent_id = ${id})
        or exists (select from tasks where subgroup_id = ${id} and archived_at is null) as full`.execute(trx);
    if (rows[0]?.full === true) return 'not_empty';
    await trx.deleteFrom('subgroups').where('app_id', '=', appId).where('id', '=', id).execute();
    return undefined;
  });
}

/** Serialises changes of an app's tree, because two simultaneous moves could make a loop unnoticed. */
async function inTree<T>(db: Db, appId: string, work: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
  return await inTransaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`subgroups ${appId}`}, 0))`.execute(trx);
    return await work(trx);
  });
}

interface Place {
  readonly appId: string;
  readonly name: string;
  readonly parentId: string | null;
  readonly moving: string | undefined;
}

async function placeFault(
  trx: Transaction<Schema>,
  { appId, name, parentId, moving = '' }: Place,
): Promise<SubgroupFault | undefined> {
  const { rows } = await sql<{ above: string[]; below: number; taken: boolean }>`
    with recursive ancestors as (
      -- The new parent and the folders above it. A folder that moves below itself would make a loop.
      select id, parent_id
      from subgroups
      where app_id = ${appId} and id = ${parentId}
      union all
      select above.id, above.parent_id
      from ancestors
      join subgroups above on above.app_id = ${appId} and above.id = ancestors.parent_id
    ),
    descendants as (
      -- The folders that move along, whose depth counts, too.
      select id, 1 as level
      from subgroups
      where app_id = ${appId} and id = ${moving}
      union all
      select child.id, level + 1
      from descendants
      join subgroups child on child.app_id = ${appId} and child.parent_id = descendants.id
    )
    select
      array(select id from ancestors) as above,
      (select coalesce(max(level), 1) from descendants) as below,
      exists (
        select
        from subgroups
        where app_id = ${appId}
          and parent_id is not distinct from ${parentId}
          and name = ${name}
          and id <> ${moving}
      ) as taken`.execute(trx);
  const [found] = rows;
  if (found === undefined) return 'gone';
  if (parentId !== null && found.above.length === 0) return 'no_parent';
  if (found.above.includes(moving)) return 'loop';
  if (found.above.length + found.below > MAX_DEPTH) return 'too_deep';
  return found.taken ? 'name_taken' : undefined;
}
