/** Number of ended tokens that are kept per device. */
const HISTORY_KEPT = 20;

/** Devices, their identifiers, and the tokens that they had. */
export const DEVICES = [
  `create table devices (
    no bigint generated always as identity primary key,
    app_id text not null references apps,
    device_id text not null,
    platform smallint not null,
    channel text not null,
    token text,
    token_state text not null check (token_state in ('active', 'none', 'invalid', 'replaced', 'no_sender')),
    token_registered_at timestamptz,
    invalid_reason text,
    user_id text,
    time_zone text,
    locale text,
    app_version text,
    attributes jsonb not null default '{}',
    tags text[] not null default '{}',
    last_active_at timestamptz,
    unsubscribed_at timestamptz,
    secret_hash bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Null means the platform's usual kind.
    address_kind text,
    unique (app_id, device_id)
  )`,
  'create index on devices (app_id, user_id) where user_id is not null',
  // The hash keeps long web push addresses out of the index.
  `create unique index devices_active_token on devices (app_id, channel, md5(token))
    where token_state = 'active'`,
  `create unique index devices_unsent_token on devices (app_id, channel, md5(token))
    where token_state = 'no_sender'`,
  // Lists the few versions of an app by a loose index scan. Rules compare them outside the database.
  'create index on devices (app_id, app_version) where app_version is not null',
  `create table device_identifiers (
    app_id text not null,
    kind smallint not null,
    digest bytea not null,
    device_no bigint not null references devices on delete cascade,
    primary key (app_id, kind, digest)
  )`,
  'create index on device_identifiers (device_no)',
  `create table device_tokens (
    device_no bigint not null references devices on delete cascade,
    no bigint generated always as identity,
    channel text not null,
    address_kind text,
    token_hash bytea not null,
    state text not null check (state in ('invalid', 'replaced')),
    reason text not null,
    registered_at timestamptz,
    ended_at timestamptz not null,
    primary key (device_no, no)
  )`,
  // A push that is prepared in parts looks up tokens that moved to another device since its first part.
  'create index on device_tokens (ended_at)',
  // A trigger, because tokens are ended by several writers (the device, another device, an import, a push
  // service).
  `create function archive_device_token() returns trigger language plpgsql as $$
    begin
      insert into device_tokens
        (device_no, channel, address_kind, token_hash, state, reason, registered_at, ended_at)
      values (
        old.no, old.channel, old.address_kind, sha256(convert_to(old.token, 'utf8')),
        case
          when new.token = old.token and new.token_state = 'invalid' then 'invalid'
          else 'replaced' end,
        case
          when new.token is null then 'removed'
          when new.token <> old.token or new.channel <> old.channel then 'new_token'
          when new.token_state = 'invalid' then coalesce(new.invalid_reason, 'unknown')
          else 'registered_by_another_device' end,
        old.token_registered_at, new.updated_at);
      delete from device_tokens
      where device_no = old.no and no <= (
        select no from device_tokens
        where device_no = old.no
        order by no desc
        offset ${HISTORY_KEPT} limit 1);
      return null;
    end $$`,
  `create trigger devices_token_history after update of token, token_state, channel on devices
    for each row when (
      old.token_state in ('active', 'no_sender') and (
        new.token is distinct from old.token
        or new.channel <> old.channel
        or new.token_state not in ('active', 'no_sender'))
    ) execute function archive_device_token()`,
  `create table test_devices (
    app_id text not null references apps,
    device_id text not null,
    primary key (app_id, device_id)
  )`,
];
