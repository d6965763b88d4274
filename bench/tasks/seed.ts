import type { Pool } from 'pg';

export interface Seeded {
  readonly appId: string;
  readonly personId: string;
  readonly audienceId: string;
}

/** The words of the names: common words, scripts without spaces, emoji. */
const WORDS = ['Sale', 'Herbst', 'Распродажа', '大促销', 'ลดราคา', 'تخفيضات', 'Newsletter', '🎉'] as const;
/** A word in every hundredth name, and nowhere else. */
export const RARE = '双十一';
export const COMMON = 'newsletter';

/** Tasks in every status, half of them with a push and its counters, in folders and serving sub-campaigns. */
export async function seedTasks(
  pool: Pool,
  { appId, personId, audienceId }: Seeded,
  count: number,
): Promise<void> {
  const id = `'task-' || lpad(to_hex(n), 10, '0')`;
  const own = [appId, personId, count];
  await pool.query(
    `insert into subgroups (id, app_id, name, created_by, created_at, updated_at)
     select 'subgroup-' || lpad(n::text, 10, '0'), $1, 'Folder ' || n, $2, now(), now() from generate_series(1, 50) n`,
    [appId, personId],
  );
  await pool.query(
    `insert into sub_campaigns (id, app_id, name, created_by, created_at)
     select 'subcampaign-' || lpad(n::text, 10, '0'), $1, 'Campaign ' || n, $2, now() from generate_series(1, 200) n`,
    [appId, personId],
  );
  await pool.query(
    `insert into tasks (id, app_id, name, subgroup_id, revision, approved_revision, status, push_type, channel,
       push_at, creator, created_at, updated_at)
     select ${id}, $1, ($4::text[])[1 + n % 8] || ' ' || n || case when n % 100 = 0 then ' ${RARE}' else '' end,
       'subgroup-' || lpad((1 + n % 50)::text, 10, '0'), 1, case when n % 4 > 0 then 1 end,
       (array['draft', 'completed', 'completed', 'cancelled', 'rejected', 'expired'])[1 + n % 6], 'single', 'push',
       now() + n * interval '1 minute', $2, now() - n * interval '1 minute', now()
     from generate_series(1, $3::int) n`,
    [...own, WORDS],
  );
  await pool.query(
    `insert into task_revisions (task_id, revision, made_by, made_at, definition)
     select id, 1, $2, created_at, $3::jsonb from tasks where app_id = $1`,
    [appId, personId, JSON.stringify(definitionOf(audienceId))],
  );
  await pool.query(
    `insert into task_sub_campaigns (task_id, sub_campaign_id)
     select ${id}, 'subcampaign-' || lpad((1 + n % 200)::text, 10, '0') from generate_series(1, $1::int) n`,
    [count],
  );
  await pool.query(
    `insert into pushes (id, app_id, task_id, seq, revision, status, due_at, started_at, window_ends_at, window_ms,
       created_at)
     select replace(id, 'task-', 'push-') || '-1', app_id, id, 1, 1, 'collecting', now(), now(),
       now() + interval '3 days', 259200000, now()
     from tasks where app_id = $1 and status in ('completed', 'cancelled')`,
    [appId],
  );
  await pool.query(
    `insert into push_counters (push_no, shard, platform, metric, reason, value)
     select p.no, s, d, metric, '', 1000
     from pushes p, generate_series(0, 1) s, generate_series(0, 1) d,
       unnest(array['planned', 'matched', 'success', 'impression', 'open', 'dismissal']) metric
     where p.app_id = $1`,
    [appId],
  );
  await pool.query('vacuum analyze');
}

export function definitionOf(audienceId: string) {
  return {
    channel: 'push',
    platforms: ['ios', 'android', 'web'],
    audience: { id: audienceId, version: 1 },
    pushType: 'single',
    latePolicy: { action: 'skip', afterMinutes: 60 },
    content: { title: 'Sale', body: 'Today only', ttlSeconds: 86_400, priority: 'high' },
  };
}
