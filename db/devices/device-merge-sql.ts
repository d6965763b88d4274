import { IDENTIFIER_KINDS } from '../../domain/devices/identifier.ts';
import { bitOf, bitOfIdentifier, MERGES_ATTRIBUTES, type OptionalField } from './device-import-bits.ts';

/** Staging table with the rows of the file. `given` has the bits of device-import-bits.ts. */
export const STAGING = `
  create temp table staged (
    line integer not null,
    platform smallint not null,
    given integer not null,
    device_id text not null,
    channel text not null,
    address_kind text not null,
    token text,
    user_id text,
    time_zone text,
    locale text,
    app_version text,
    tags text[] not null,
    attributes jsonb not null,
    last_active_at timestamptz,
    unsubscribed_at timestamptz,
    identifiers text[],
    state text
  ) on commit drop`;

/** Deletes repeated devices. Hashes find repeated IDs in little memory, so that few rows are sorted. */
export const DROP_DUPLICATES = `
  with repeated as (
    -- Hashes of IDs that occur more than once, and few collisions.
    select hashtextextended(device_id, 0) as hash
    from staged
    group by 1
    having count(*) > 1
  ),
  ranked as (
    -- The last row of a device comes first.
    select ctid, row_number() over (partition by device_id collate "C" order by line desc) as place
    from staged
    where hashtextextended(device_id, 0) in (select hash from repeated)
  ),
  dropped as (
    -- The last row of a device stays.
    delete from staged
    using ranked
    where staged.ctid = ranked.ctid and place > 1
    returning line
  )
  select line, (count(*) over ())::integer as total
  from dropped
  order by line
  limit $1`;

const CONSENT = bitOf('unsubscribedAt');

/** An opt-out in any row of a device counts, also when a later row of the device does not repeat it. */
export const GATHER_OPT_OUTS = `
  update staged
  set unsubscribed_at = since, given = given | ${CONSENT}
  from (
    select device_id, min(unsubscribed_at) as since
    from staged
    where unsubscribed_at is not null
    group by 1
  ) opted
  where staged.device_id = opted.device_id and staged.unsubscribed_at is distinct from since`;

/** The same for the device IDs that share a token in the file. */
export const GATHER_BY_TOKEN = `
  update staged
  set unsubscribed_at = since, given = given | ${CONSENT}
  from (
    select channel, token, min(unsubscribed_at) as since
    from staged
    where unsubscribed_at is not null and token is not null
    group by 1, 2
  ) opted
  where staged.channel = opted.channel and staged.token = opted.token and staged.unsubscribed_at is null`;

/** An opt-out goes with the token, so that another device ID for the same phone does not lift it. */
export const INHERIT_OPT_OUTS = `
  update staged
  set unsubscribed_at = d.unsubscribed_at, given = given | ${CONSENT}
  from devices d
  where d.app_id = $1
    and d.unsubscribed_at is not null
    and d.token_state in ('active', 'no_sender')
    and d.channel = staged.channel
    and md5(d.token) = md5(staged.token)
    and d.token = staged.token
    and d.device_id <> staged.device_id
    and staged.unsubscribed_at is null
    and not ($2 and staged.given & ${CONSENT} > 0)`;

/** Devices whose opt-out a row would lift. */
export const COUNT_LIFTED = `
  select count(*)::integer as lifted
  from staged
  join devices d on d.app_id = $1 and d.device_id = staged.device_id
  where staged.given & ${CONSENT} > 0 and staged.unsubscribed_at is null and d.unsubscribed_at is not null`;

export const LATER_TOKEN_WINS = `
  with repeated as (
    -- Hashes of tokens that occur more than once, and few collisions.
    select hashtextextended(token, 0) as hash
    from staged
    where token is not null
    group by 1
    having count(*) > 1
  ),
  ranked as (
    -- The last row of a token comes first.
    select ctid, row_number() over (partition by channel, token collate "C" order by line desc) as place
    from staged
    where token is not null and hashtextextended(token, 0) in (select hash from repeated)
  )
  update staged
  set state = 'replaced'
  from ranked
  where staged.ctid = ranked.ctid and place > 1`;

/** Keeps tokens invalid that a push service has rejected, because the list may be older than that answer. */
export const KEEP_INVALID = `
  update staged
  set state = 'invalid'
  from devices d
  where d.app_id = $1
    and d.device_id = staged.device_id
    and d.token_state = 'invalid'
    and d.token = staged.token
    and d.channel = staged.channel
    and staged.state <> 'replaced'`;

/** Takes tokens from their previous devices. A token belongs to the device that reported it last. */
export const DISPLACE = `
  update devices d
  set token_state = 'replaced', updated_at = $2::timestamptz
  from staged
  where d.app_id = $1
    and d.channel = staged.channel
    and md5(d.token) = md5(staged.token)
    and d.token_state in ('active', 'no_sender')
    and staged.state in ('active', 'no_sender')
    and d.device_id <> staged.device_id`;

/**
 * Inserts all rows without a check for conflicts, which would take a quarter longer. A device that registers
 * during the statement makes it fail.
 */
export const INSERT_ALL = `
  insert into devices (app_id, device_id, platform, channel, address_kind, token, token_state,
    token_registered_at, user_id, time_zone, locale, app_version, attributes, tags, last_active_at,
    unsubscribed_at, created_at, updated_at)
  select $1, device_id, platform, channel, address_kind, token, coalesce(state, 'none'),
    case when token is not null then $2::timestamptz end, user_id, time_zone, locale, app_version,
    attributes, tags, last_active_at,
    unsubscribed_at, $2::timestamptz, $2::timestamptz
  from staged`;

export const INSERT_NEW = `${INSERT_ALL}
  where not exists (select from devices d where d.app_id = $1 and d.device_id = staged.device_id)
  on conflict (app_id, device_id) do nothing`;

/** Whether the row of the file has the field. */
const has = (field: OptionalField) => `file.given & ${bitOf(field)} > 0`;

/**
 * Updates known devices. A row without an address keeps the device's address, unless the platform changes.
 * After the first pass ($3) only devices that registered themselves are updated, because the others carry the
 * time of this import. Only $4 lets a row lift an opt-out.
 */
export const UPDATE_KNOWN = `
  update devices d set
    platform = file.platform,
    channel = case when file.is_addressed then file.channel else d.channel end,
    address_kind = case when file.is_addressed then file.address_kind else d.address_kind end,
    token = case when ${has('token')} then file.token when not file.is_addressed then d.token end,
    token_state = case
      when ${has('token')} then coalesce(file.state, 'none')
      when file.is_addressed then 'none'
      else d.token_state end,
    token_registered_at = case
      when file.state in ('active', 'no_sender')
        and (d.token is distinct from file.token or d.token_state <> file.state) then $2::timestamptz
      else d.token_registered_at end,
    invalid_reason = case when file.state in ('active', 'no_sender') then null else d.invalid_reason end,
    user_id = case when ${has('userId')} then file.user_id else d.user_id end,
    time_zone = case when ${has('timeZone')} then file.time_zone else d.time_zone end,
    locale = case when ${has('locale')} then file.locale else d.locale end,
    app_version = case when ${has('appVersion')} then file.app_version else d.app_version end,
    tags = case when ${has('tags')} then file.tags else d.tags end,
    attributes = case
      when file.given & ${MERGES_ATTRIBUTES} > 0 then d.attributes || file.attributes
      when ${has('attributes')} then file.attributes
      else d.attributes end,
    last_active_at = case when ${has('lastActiveAt')} then file.last_active_at else d.last_active_at end,
    unsubscribed_at = case
      when $4 and ${has('unsubscribedAt')} and file.unsubscribed_at is null then null
      else coalesce(d.unsubscribed_at, file.unsubscribed_at) end,
    updated_at = $2::timestamptz
  from (
    select known.no, staged.*,
      staged.given & ${bitOf('token')} > 0 or known.platform <> staged.platform as is_addressed
    from staged
    join devices known on known.app_id = $1 and known.device_id = staged.device_id
    where $3 or known.updated_at <> $2::timestamptz
  ) file
  where d.no = file.no`;

const KIND_BITS = IDENTIFIER_KINDS.map((_, code) => `(${code}, ${bitOfIdentifier(code)})`).join(', ');

export const FORGET_IDENTIFIERS = `
  delete from device_identifiers held
  using staged
    join devices d on d.app_id = $1 and d.device_id = staged.device_id,
    (values ${KIND_BITS}) kinds (kind, bit)
  where staged.given & kinds.bit > 0
    and held.device_no = d.no
    and held.kind = kinds.kind`;

/** Takes all forms of an identifier from its previous device, so that no other form finds that device. */
export const TAKE_IDENTIFIERS = `
  delete from device_identifiers held
  using (
    select own.device_no, own.kind
    from staged, unnest(staged.identifiers) one
    join device_identifiers own
      on own.app_id = $1
      and own.kind = left(one, 1)::smallint
      and own.digest = decode(substr(one, 2), 'hex')
  ) lost
  where held.device_no = lost.device_no and held.kind = lost.kind`;

/** Stores identifiers. Each belongs to the device that reported it last. */
export const PUT_IDENTIFIERS = `
  insert into device_identifiers (app_id, kind, digest, device_no)
  select distinct on (2, 3) $1, left(one, 1)::smallint, decode(substr(one, 2), 'hex'), d.no
  from staged
    join devices d on d.app_id = $1 and d.device_id = staged.device_id,
    unnest(staged.identifiers) one
  order by 2, 3, staged.line desc
  on conflict (app_id, kind, digest) do update
    set device_no = excluded.device_no`;
