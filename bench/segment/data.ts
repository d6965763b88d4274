import type { Pool, PoolClient } from 'pg';
import type { Db } from '../../db/core/database.ts';
import { createEventMonths } from '../../db/events/event-months.ts';
import { createEventNames } from '../../db/events/event-names.ts';

/** Events per device. */
export const EVENTS_PER_DEVICE = 5;
const DAYS = 90;

/**
 * Devices and events of an app of some years, by a few statements and always the same: seven users for ten
 * devices, 4 % unsubscribed, 6 % without a valid token, twenty tags, forty versions, events of 90 days.
 */
export async function fillApp(
  { db, pool }: { db: Db; pool: Pool },
  { appId, count, now }: { appId: string; count: number; now: Date },
): Promise<void> {
  const months = Array.from(
    { length: DAYS / 15 + 1 },
    (_, n) => new Date(now.getTime() - n * 15 * 86_400_000),
  );
  await createEventMonths(db, months);
  const names = ['viewed', 'opened', 'carted', 'bought', 'visited'];
  const numbers = await createEventNames(db).numbersOf(appId, names, now);
  const client = await pool.connect();
  try {
    await client.query('set synchronous_commit = off');
    await client.query(`set work_mem = '256MB'`);
    await client.query(`set maintenance_work_mem = '1GB'`);
    await withoutIndexes(client, 'devices', ['devices_pkey', 'devices_app_id_device_id_key'], () =>
      insertDevices(client, appId, count, now),
    );
    const nameNos = names.map((name) => numbers.get(name) ?? 0);
    await withoutIndexes(client, 'events', [], () => insertEvents(client, { appId, count, now }, nameNos));
    await client.query(`update event_names set anonymous = true where app_id = $1 and name = 'visited'`, [
      appId,
    ]);
    await client.query('vacuum analyze devices');
    await client.query('vacuum analyze events');
  } finally {
    client.release(true);
  }
}

/** Drops the indexes during the work, because building them afterwards is faster. */
async function withoutIndexes(
  client: PoolClient,
  table: string,
  kept: readonly string[],
  work: () => Promise<void>,
) {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes where tablename = $1 and indexname <> all($2)`,
    [table, kept],
  );
  for (const { name } of rows) await client.query(`drop index ${client.escapeIdentifier(name)}`);
  await work();
  // The definition of a partitioned table's index names the table alone.
  for (const { definition } of rows) await client.query(definition.replace(' ON ONLY ', ' ON '));
}

async function insertDevices(client: PoolClient, appId: string, count: number, now: Date): Promise<void> {
  await client.query('select setseed(0.4)');
  await client.query(
    `insert into devices (app_id, device_id, platform, channel, token, token_state, token_registered_at, user_id, time_zone,
       locale, app_version, attributes, tags, last_active_at, unsubscribed_at, created_at, updated_at)
     select $1, 'device-' || lpad(n::text, 9, '0'), platform, case platform when 0 then 'apns' else 'fcm' end,
       case when s < 0.97 then encode(sha256(convert_to($1 || n, 'utf8')), 'hex') end,
       case when s < 0.94 then 'active' when s < 0.97 then 'invalid' else 'none' end, $3,
       case when u < 0.8 then 'user-' || (n % greatest(1, ($2::int * 7) / 10)) end,
       'Europe/Berlin', (array['en-US','en-GB','de-DE','de-AT','fr-FR','es-ES','pt-BR','zh-Hans-CN','ja-JP','it'])[1 + (l * 10)::int % 10],
       (1 + (v * 4)::int) || '.' || ((v * 4000)::int % 12) || '.' || ((v * 40)::int % 3),
       jsonb_build_object('plan', (array['free','free','free','pro','team'])[1 + (a * 5)::int % 5], 'age', 16 + (b * 60)::int,
         'city', 'city-' || (c * 500)::int, 'score', round((a * b * 100)::numeric, 2), 'trial', c < 0.1),
       array_remove(array[case when a < 0.05 then 'vip' end, case when b < 0.1 then 'churned' end, case when c < 0.3 then 'news' end,
         case when l < 0.2 then 'sale' end, 'cohort-' || (u * 16)::int], null),
       case when v < 0.95 then $3::timestamptz - (a * a * 200) * interval '1 day' end,
       case when c > 0.96 then $3::timestamptz end, $3, $3
     from (select n, case when random() < 0.4 then 0 else 1 end as platform, random() as s, random() as u, random() as l,
       random() as v, random() as a, random() as b, random() as c from generate_series(1, $2::int) n) drawn`,
    [appId, count, now],
  );
}

async function insertEvents(
  client: PoolClient,
  { appId, count, now }: { appId: string; count: number; now: Date },
  names: readonly number[],
): Promise<void> {
  await client.query('select setseed(0.5)');
  await client.query(
    `insert into events (at, app_id, name_no, user_id, device_no, properties)
     select $3::timestamptz - (1 - i / ($2::float8 * ${EVENTS_PER_DEVICE})) * ${DAYS} * interval '1 day', $1, name_no,
       case when not alone then 'user-' || (u * ($2::int * 7) / 10)::int end,
       case when alone then (select min(no) from devices where app_id = $1) + (u * ($2 - 1))::int end,
       jsonb_build_object('price', round((p * p * 200)::numeric, 2), 'category', 'c' || (p * 40)::int)
     from (select ($4::int[])[case when r < 0.5 then 1 when r < 0.7 then 2 when r < 0.85 then 3 when r < 0.95 then 4 else 5 end] as name_no,
         r >= 0.95 and u < 0.5 as alone, i, u, p
       from (select random() as r, i, random() as u, random() as p from generate_series(1, $2::bigint * ${EVENTS_PER_DEVICE}) i) drawn) e`,
    [appId, count, now, names],
  );
}
