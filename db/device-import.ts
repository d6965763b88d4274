import type { Pool, PoolClient } from 'pg';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import type { Channel, Platform } from '../domain/platform.ts';
import { arrayLiteral, copyInto, copyText, withCopyClient } from './copy.ts';
import { ClashError, withRetry } from './retry.ts';

/** Undefined keeps what a known device has; null clears it. */
export interface DeviceImportRow {
  readonly line: number;
  readonly deviceId: string;
  readonly platform: Platform;
  readonly channel: Channel;
  readonly token: string | null | undefined;
  readonly userId: string | null | undefined;
  readonly timeZone: string | null | undefined;
  readonly locale: string | null | undefined;
  readonly appVersion: string | null | undefined;
  readonly tags: readonly string[] | undefined;
  /** JSON. */
  readonly attributes: string | undefined;
}

export interface DeviceImportResult {
  readonly created: number;
  readonly updated: number;
  /** Rows of a device that comes again later in the file. */
  readonly duplicates: number;
  readonly duplicateLines: readonly number[];
}

interface ImportArgs {
  readonly appId: string;
  readonly now: Date;
  readonly rows: AsyncIterable<readonly DeviceImportRow[]>;
  readonly shownDuplicates: number;
}

/** All or nothing: a stream that breaks off leaves no trace. The last row of a device, and of a token, wins. */
export async function importDevices(pool: Pool, args: ImportArgs): Promise<DeviceImportResult> {
  return withCopyClient(pool, async (client) => {
    await client.query(STAGING);
    await client.query(`set local work_mem = '${SORT_MEMORY}'`);
    const rows = await copyInto(client, 'staged', encoded(args.rows));
    await client.query('analyze staged');
    const duplicates = await dropDuplicates(client, args.shownDuplicates);
    await client.query(LATER_TOKEN_WINS);
    // One import of an app at a time: two would lock each other's devices in different orders.
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`import ${args.appId}`]);
    return { ...duplicates, ...(await mergeStaged(client, args, rows - duplicates.duplicates)) };
  });
}

async function mergeStaged(client: PoolClient, { appId, now }: ImportArgs, staged: number) {
  return withRetry(async () => {
    await client.query('savepoint merge');
    try {
      await client.query(KEEP_INVALID, [appId]);
      await client.query(DISPLACE, [appId, now]);
      const updated = (await client.query(UPDATE_KNOWN, [appId, now])).rowCount ?? 0;
      const created = (await client.query(INSERT_NEW, [appId, now])).rowCount ?? 0;
      if (created + updated < staged) throw new ClashError('a device registered itself in between');
      return { created, updated };
    } catch (error) {
      await client.query('rollback to savepoint merge');
      throw error;
    }
  });
}

async function dropDuplicates(client: PoolClient, shown: number) {
  const { rows } = await client.query<{ line: number; total: number }>(DROP_DUPLICATES, [shown]);
  return { duplicates: rows[0]?.total ?? 0, duplicateLines: rows.map((row) => row.line) };
}

/** For the sorts that find duplicates. */
const SORT_MEMORY = '64MB';

/** Bits of `given`, as in the SQL below. */
const GIVEN = ['token', 'userId', 'timeZone', 'locale', 'appVersion', 'tags', 'attributes'] as const;

async function* encoded(batches: AsyncIterable<readonly DeviceImportRow[]>): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map(encodeRow).join('');
}

function encodeRow(row: DeviceImportRow): string {
  const given = GIVEN.reduce((bits, field, i) => (row[field] === undefined ? bits : bits | (1 << i)), 0);
  const tags = copyText(arrayLiteral(row.tags ?? []));
  const texts = [row.deviceId, row.channel, row.token, row.userId, row.timeZone, row.locale, row.appVersion];
  return `${row.line}\t${PLATFORM_CODE[row.platform]}\t${given}\t${texts.map(copyText).join('\t')}\t${tags}\t${copyText(row.attributes ?? '{}')}\t${row.token ? 'active' : '\\N'}\n`;
}

const STAGING = `
  create temp table staged (
    line integer not null, platform smallint not null, given integer not null,
    device_id text not null, channel text not null, token text, user_id text, time_zone text, locale text,
    app_version text, tags text[] not null, attributes jsonb not null, state text
  ) on commit drop`;

const DROP_DUPLICATES = `
  with ranked as (
    select ctid, row_number() over (partition by device_id collate "C" order by line desc) as place from staged
  ), dropped as (
    delete from staged using ranked where staged.ctid = ranked.ctid and place > 1 returning line
  )
  select line, (count(*) over ())::integer as total from dropped order by line limit $1`;

const LATER_TOKEN_WINS = `
  update staged set state = 'replaced'
  from (
    select ctid, row_number() over (partition by channel, token collate "C" order by line desc) as place
    from staged where token is not null
  ) ranked
  where staged.ctid = ranked.ctid and place > 1`;

/** A push service called this very token invalid: a list of yesterday does not make it valid again. */
const KEEP_INVALID = `
  update staged s set state = 'invalid'
  from devices d
  where d.app_id = $1 and d.device_id = s.device_id and d.token_state = 'invalid'
    and d.token = s.token and d.channel = s.channel and s.state = 'active'`;

const DISPLACE = `
  update devices d set token_state = 'replaced', updated_at = $2::timestamptz
  from staged s
  where d.app_id = $1 and d.channel = s.channel and md5(d.token) = md5(s.token) and d.token_state = 'active'
    and s.state = 'active' and d.device_id <> s.device_id`;

const INSERT_NEW = `
  insert into devices (app_id, device_id, platform, channel, token, token_state, token_registered_at, user_id,
    time_zone, locale, app_version, attributes, tags, created_at, updated_at)
  select $1, device_id, platform, channel, token, coalesce(state, 'none'),
    case when state = 'active' then $2::timestamptz end, user_id, time_zone, locale, app_version, attributes,
    tags, $2::timestamptz, $2::timestamptz
  from staged s
  where not exists (select from devices d where d.app_id = $1 and d.device_id = s.device_id)
  on conflict (app_id, device_id) do nothing`;

const UPDATE_KNOWN = `
  update devices d set
    platform = s.platform,
    channel = s.channel,
    token = case when s.given & 1 > 0 then s.token when d.channel = s.channel then d.token end,
    token_state = case
      when s.given & 1 > 0 then coalesce(s.state, 'none')
      when d.channel = s.channel then d.token_state
      else 'none' end,
    token_registered_at = case
      when s.state = 'active' and (d.token is distinct from s.token or d.token_state <> 'active') then $2::timestamptz
      else d.token_registered_at end,
    invalid_reason = case when s.state = 'active' then null else d.invalid_reason end,
    user_id = case when s.given & 2 > 0 then s.user_id else d.user_id end,
    time_zone = case when s.given & 4 > 0 then s.time_zone else d.time_zone end,
    locale = case when s.given & 8 > 0 then s.locale else d.locale end,
    app_version = case when s.given & 16 > 0 then s.app_version else d.app_version end,
    tags = case when s.given & 32 > 0 then s.tags else d.tags end,
    attributes = case when s.given & 64 > 0 then s.attributes else d.attributes end,
    updated_at = $2::timestamptz
  from staged s
  where d.app_id = $1 and d.device_id = s.device_id`;
