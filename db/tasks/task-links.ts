import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { NAMED } from '../core/named-statements.ts';
import type { LinkedSubCampaign } from './sub-campaigns.ts';

export interface TaskLinks {
  /** The names from the top to the folder the task is in; none when it is in none. */
  readonly path: string[];
  /** By name. */
  readonly subCampaigns: LinkedSubCampaign[];
}

/** The folders and sub-campaigns that a list shows of each task. */
export async function readTaskLinks(db: Db, taskIds: readonly string[]): Promise<Map<string, TaskLinks>> {
  if (taskIds.length === 0) return new Map();
  const { rows } = await sql<TaskLinks & { id: string }>`${NAMED}
    with recursive listed as materialized (
      select id, subgroup_id
      from tasks
      where id = any(${taskIds}::text[])
    ),
    ancestors as (
      -- The folders of the tasks, and then the folders above them. folder_id stays the folder of the task.
      select id, parent_id, name, 1 as level, id as folder_id
      from subgroups
      where id in (select subgroup_id from listed)
      union all
      select above.id, above.parent_id, above.name, ancestors.level + 1, ancestors.folder_id
      from ancestors
      join subgroups above on above.id = ancestors.parent_id
    ),
    paths as materialized (
      select folder_id, array_agg(name order by level desc) as path
      from ancestors
      group by folder_id
    ),
    served as materialized (
      select link.task_id,
        json_agg(
          json_build_object('id', campaign.id, 'name', campaign.name)
          order by campaign.name
        ) as campaigns
      from task_sub_campaigns link
      join sub_campaigns campaign on campaign.id = link.sub_campaign_id
      where link.task_id = any(${taskIds}::text[])
      group by link.task_id
    )
    select listed.id, coalesce(paths.path, '{}') as path, coalesce(served.campaigns, '[]') as "subCampaigns"
    from listed
    left join paths on paths.folder_id = listed.subgroup_id
    left join served on served.task_id = listed.id`.execute(db);
  return new Map(rows.map(({ id, path, subCampaigns }) => [id, { path, subCampaigns }]));
}
