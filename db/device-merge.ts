import type { PoolClient } from 'pg';
import { IDENTIFIER_KINDS } from '../domain/identifier.ts';
import { ClashError, withRetry } from './retry.ts';

/** `given`: a bit for each column that the row has; see device-import.ts. */
export const STAGING = `
  create temp table staged (
    line integer not null, platform smallint not null, given integer not null, device_id text not null,
    channel text not null, address_kind text not null, token text, user_id text, time_zone text, locale text,
    app_version text, tags text[] not null, attributes jsonb not null, last_active_at timestamptz,
    unsubscribed boolean, identifiers text[], state text
  ) on commit drop`;

interface MergeArgs {
  readonly appId: string;
  readonly now: Date;
  readonly staged: number;
  readonly hasIdentifiers: boolean;
}

export async function dropDuplicates(client: PoolClient, shown: number) {
  const { rows } = await client.query<{ line: number; total: number }>(DROP_DUPLICATES, [shown]);
  await client.query(LATER_TOKEN_WINS);
  return { duplicates: rows[0]?.total ?? 0, duplicateLines: rows.map((row) => row.line) };
}

/** Tried again when a device registers a token of the file meanwhile; the device itself only costs one more pass. */
export async function mergeStaged(client: PoolClient, args: MergeArgs) {
  let isFirstTry = true;
  return withRetry(async () => {
    await client.query('savepoint merge');
    try {
      const merged = await merge(client, args, isFirstTry);
      if (args.hasIdentifiers) await putIdentifiers(client, args.appId);
      return merged;
    } catch (error) {
      isFirstTry = false;
      await client.query('rollback to savepoint merge');
      throw error;
    }
  });
}

const PASSES = 8;

async function merge(client: PoolClient, { appId, now, staged }: MergeArgs, isFirstTry: boolean) {
  if (isFirstTry && !(await hasDevices(client, appId))) {
    return { created: await countOf(client, INSERT_ALL, [appId, now]), updated: 0 };
  }
  let [created, updated] = [0, 0];
  for (let pass = 1; pass <= PASSES; pass++) {
    await client.query(KEEP_INVALID, [appId]);
    await client.query(DISPLACE, [appId, now]);
    updated += await countOf(client, UPDATE_KNOWN, [appId, now, pass === 1]);
    if (created + updated === staged) break;
    created += await countOf(client, INSERT_NEW, [appId, now]);
    if (created + updated === staged) break;
  }
  if (created + updated !== staged) throw new ClashError('devices register themselves in between');
  return { created, updated };
}

async function hasDevices(client: PoolClient, appId: string): Promise<boolean> {
  return (await countOf(client, 'select from devices where app_id = $1 limit 1', [appId])) > 0;
}

async function putIdentifiers(client: PoolClient, appId: string): Promise<void> {
  await client.query(FORGET_IDENTIFIERS, [appId]);
  await client.query(TAKE_IDENTIFIERS, [appId]);
  await client.query(PUT_IDENTIFIERS, [appId]);
}

async function countOf(client: PoolClient, statement: string, values: unknown[]): Promise<number> {
  return (await client.query(statement, values)).rowCount ?? 0;
}

/** Hashes find what repeats, in little memory; only that is sorted. */
const DROP_DUPLICATES = `
  with repeated as (
    select hashtextextended(device_id, 0) as hash from staged group by 1 having count(*) > 1
  ), ranked as (
    select ctid, row_number() over (partition by device_id collate "C" order by line desc) as place
    from staged where hashtextextended(device_id, 0) in (select hash from repeated)
  ), dropped as (
    delete from staged using ranked where staged.ctid = ranked.ctid and place > 1 returning line
  )
  select line, (count(*) over ())::integer as total from dropped order by line limit $1`;

const LATER_TOKEN_WINS = `
  with repeated as (
    select hashtextextended(token, 0) as hash from staged where token is not null group by 1 having count(*) > 1
  ), ranked as (
    select ctid, row_number() over (partition by channel, token collate "C" order by line desc) as place
    from staged where token is not null and hashtextextended(token, 0) in (select hash from repeated)
  )
  update staged set state = 'replaced' from ranked where staged.ctid = ranked.ctid and place > 1`;

/** A push service called this very token invalid: a list of yesterday does not make it valid again. */
const KEEP_INVALID = `
  update staged s set state = 'invalid'
  from devices d
  where d.app_id = $1 and d.device_id = s.device_id and d.token_state = 'invalid'
    and d.token = s.token and d.channel = s.channel and s.state <> 'replaced'`;

const DISPLACE = `
  update devices d set token_state = 'replaced', updated_at = $2::timestamptz
  from staged s
  where d.app_id = $1 and d.channel = s.channel and md5(d.token) = md5(s.token)
    and d.token_state in ('active', 'no_sender') and s.state in ('active', 'no_sender')
    and d.device_id <> s.device_id`;

/** Without a look for conflicts, which costs a quarter: a device that registers meanwhile makes it fail as a whole. */
const INSERT_ALL = `
  insert into devices (app_id, device_id, platform, channel, address_kind, token, token_state,
    token_registered_at, user_id, time_zone, locale, app_version, attributes, tags, last_active_at,
    unsubscribed_at, created_at, updated_at)
  select $1, device_id, platform, channel, address_kind, token, coalesce(state, 'none'),
    case when token is not null then $2::timestamptz end, user_id, time_zone, locale, app_version, attributes,
    tags, last_active_at, case when unsubscribed then $2::timestamptz end, $2::timestamptz, $2::timestamptz
  from staged s`;

const INSERT_NEW = `${INSERT_ALL}
  where not exists (select from devices d where d.app_id = $1 and d.device_id = s.device_id)
  on conflict (app_id, device_id) do nothing`;

/**
 * A row that says nothing of the address keeps it, unless the device is of another platform now. After the first
 * pass ($3) only what registered itself meanwhile: the others bear the time of this import.
 */
const UPDATE_KNOWN = `
  update devices d set
    platform = s.platform,
    channel = case when s.is_addressed then s.channel else d.channel end,
    address_kind = case when s.is_addressed then s.address_kind else d.address_kind end,
    token = case when s.given & 1 > 0 then s.token when not s.is_addressed then d.token end,
    token_state = case
      when s.given & 1 > 0 then coalesce(s.state, 'none')
      when s.is_addressed then 'none'
      else d.token_state end,
    token_registered_at = case
      when s.state in ('active', 'no_sender') and (d.token is distinct from s.token or d.token_state <> s.state)
        then $2::timestamptz
      else d.token_registered_at end,
    invalid_reason = case when s.state in ('active', 'no_sender') then null else d.invalid_reason end,
    user_id = case when s.given & 2 > 0 then s.user_id else d.user_id end,
    time_zone = case when s.given & 4 > 0 then s.time_zone else d.time_zone end,
    locale = case when s.given & 8 > 0 then s.locale else d.locale end,
    app_version = case when s.given & 16 > 0 then s.app_version else d.app_version end,
    tags = case when s.given & 32 > 0 then s.tags else d.tags end,
    attributes = case when s.given & 64 > 0 then s.attributes else d.attributes end,
    last_active_at = case when s.given & 128 > 0 then s.last_active_at else d.last_active_at end,
    unsubscribed_at = case
      when s.given & 256 = 0 then d.unsubscribed_at
      when s.unsubscribed then coalesce(d.unsubscribed_at, $2::timestamptz) end,
    updated_at = $2::timestamptz
  from (
    select k.no, t.*, t.given & 1 > 0 or k.platform <> t.platform as is_addressed
    from staged t join devices k on k.app_id = $1 and k.device_id = t.device_id
    where $3 or k.updated_at <> $2::timestamptz
  ) s
  where d.no = s.no`;

const FIRST_BIT = 9;
const KIND_BITS = IDENTIFIER_KINDS.map((_, code) => `(${code}, ${1 << (FIRST_BIT + code)})`).join(', ');

const FORGET_IDENTIFIERS = `
  delete from device_identifiers i
  using staged s
    join devices d on d.app_id = $1 and d.device_id = s.device_id,
    (values ${KIND_BITS}) kinds (kind, bit)
  where s.given & kinds.bit > 0 and i.device_no = d.no and i.kind = kinds.kind`;

/** Whoever had one of them is not found by its other forms either. */
const TAKE_IDENTIFIERS = `
  delete from device_identifiers i using (
    select o.device_no, o.kind from staged s, unnest(s.identifiers) one
      join device_identifiers o on o.app_id = $1 and o.kind = left(one, 1)::smallint and o.digest = decode(substr(one, 2), 'hex')
  ) theirs where i.device_no = theirs.device_no and i.kind = theirs.kind`;

/** An identifier belongs to the device that gave it last. */
const PUT_IDENTIFIERS = `
  insert into device_identifiers (app_id, kind, digest, device_no)
  select distinct on (2, 3) $1, left(one, 1)::smallint, decode(substr(one, 2), 'hex'), d.no
  from staged s
    join devices d on d.app_id = $1 and d.device_id = s.device_id,
    unnest(s.identifiers) one
  order by 2, 3, s.line desc
  on conflict (app_id, kind, digest) do update set device_no = excluded.device_no`;
