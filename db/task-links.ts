import { sql } from 'kysely';
import type { Db } from './database.ts';
import { NAMED } from './named-statements.ts';
import type { LinkedSubCampaign } from './sub-campaigns.ts';

export interface TaskLinks {
  /** The names from the top to the folder the task is in; none when it is in none. */
  readonly path: string[];
  /** By name. */
  readonly subCampaigns: LinkedSubCampaign[];
}

/** What a list shows of each task beside its own row. */
export async function readTaskLinks(db: Db, taskIds: readonly string[]): Promise<Map<string, TaskLinks>> {
  if (taskIds.length === 0) return new Map();
  const { rows } = await sql<TaskLinks & { id: string }>`${NAMED}
    with recursive t as materialized (select id, subgroup_id from tasks where id = any(${taskIds}::text[])),
    up as (
      select id, parent_id, name, 1 as level, id as of from subgroups where id in (select subgroup_id from t)
      union all
      select s.id, s.parent_id, s.name, up.level + 1, up.of from up join subgroups s on s.id = up.parent_id
    ),
    paths as materialized (select of, array_agg(name order by level desc) as path from up group by of),
    served as materialized (
      select l.task_id, json_agg(json_build_object('id', c.id, 'name', c.name) order by c.name) as campaigns
      from task_sub_campaigns l join sub_campaigns c on c.id = l.sub_campaign_id
      where l.task_id = any(${taskIds}::text[]) group by l.task_id
    )
    select t.id, coalesce(p.path, '{}') as path, coalesce(s.campaigns, '[]') as "subCampaigns"
    from t left join paths p on p.of = t.subgroup_id left join served s on s.task_id = t.id`.execute(db);
  return new Map(rows.map(({ id, path, subCampaigns }) => [id, { path, subCampaigns }]));
}
