import { randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { definitionOf, type Seeded } from './seed.ts';

/** A condition on `t`, with its parameters from $2 on. */
export interface Where {
  readonly sql: string;
  readonly values: readonly unknown[];
}

const PAGE = 50;

/** The content of the API's list page by SQL written for this page alone. */
export async function listBaseline(pool: Pool, appId: string, where: Where): Promise<number> {
  return await onClient(pool, async (client) => {
    const values = [appId, ...where.values];
    const of = `from tasks t where t.app_id = $1 and t.archived_at is null and ${where.sql}`;
    const { rows } = await client.query<{ id: string; subgroup_id: string | null }>(
      `select t.*, (select name from people where id = t.creator) as creator_name ${of}
       order by t.created_at desc, t.id desc limit ${PAGE + 1}`,
      values,
    );
    const ids = rows.map((row) => row.id);
    await client.query(`select status, count(*) ${of} group by status`, values);
    await client.query('select id, name, parent_id from subgroups where id = any($1)', [
      rows.map((row) => row.subgroup_id),
    ]);
    await client.query(
      `select l.task_id, c.id, c.name from task_sub_campaigns l join sub_campaigns c on c.id = l.sub_campaign_id
       where l.task_id = any($1)`,
      [ids],
    );
    await client.query(
      `select p.*, c.metric, c.platform, c.reason, c.value from pushes p, lateral (
         select metric, platform, reason, sum(value) as value from push_counters
         where push_no = p.no group by 1, 2, 3) c
       where p.task_id = any($1)`,
      [ids],
    );
    return rows.length;
  });
}

/** The reads and writes of creating a task, in as few statements as possible. */
export async function createBaseline(pool: Pool, { appId, personId, audienceId }: Seeded): Promise<void> {
  const id = `task-${randomBytes(5).toString('hex')}`;
  const origin = id.replace('task', 'origin');
  await onClient(pool, async (client) => {
    await client.query('select version from audiences where id = $1 and app_id = $2', [audienceId, appId]);
    await client.query('begin');
    await client.query(
      `insert into tasks (id, app_id, name, revision, status, push_type, channel, creator, created_at, updated_at)
       values ($1, $2, 'By hand', 1, 'draft', 'single', 'push', $3, now(), now())`,
      [id, appId, personId],
    );
    await client.query(
      `insert into task_revisions (task_id, revision, made_by, made_at, definition) values ($1, 1, $2, now(), $3)`,
      [id, personId, JSON.stringify(definitionOf(audienceId))],
    );
    await client.query(
      `with o as (insert into request_origins (id, app_id, key_id, at) values ($1, $2, 'key-0000000000', now()))
       insert into audit (app_id, task_id, at, person_id, action, via, revision, outcome, origin)
       values ($2, $3, now(), $4, 'create', 'api', 1, 'done', $1)`,
      [origin, appId, id, personId],
    );
    await client.query('commit');
    await client.query(
      `select t.*, r.definition from tasks t join task_revisions r on r.task_id = t.id where t.id = $1`,
      [id],
    );
  });
}

async function onClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}
