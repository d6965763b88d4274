import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** The newest that one device keeps. */
const HISTORY_KEPT = 20;

const STATEMENTS = [
  // Null is the usual kind of the platform.
  'alter table devices add column address_kind text',
  'alter table devices drop constraint devices_token_state_check',
  `alter table devices add constraint devices_token_state_check
    check (token_state in ('active', 'none', 'invalid', 'replaced', 'no_sender')) not valid`,
  'alter table devices validate constraint devices_token_state_check',
  `create unique index devices_unsent_token on devices (app_id, channel, md5(token))
    where token_state = 'no_sender'`,
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
  // Whoever ends a token, its end is remembered: a device, another device, an import, or a push service.
  `create function remember_token() returns trigger language plpgsql as $$
    begin
      insert into device_tokens
        (device_no, channel, address_kind, token_hash, state, reason, registered_at, ended_at)
      values (
        old.no, old.channel, old.address_kind, sha256(convert_to(old.token, 'utf8')),
        case when new.token = old.token and new.token_state = 'invalid' then 'invalid' else 'replaced' end,
        case
          when new.token is null then 'removed'
          when new.token <> old.token or new.channel <> old.channel then 'new_token'
          when new.token_state = 'invalid' then coalesce(new.invalid_reason, 'unknown')
          else 'registered_by_another_device' end,
        old.token_registered_at, new.updated_at);
      delete from device_tokens where device_no = old.no and no <= (
        select no from device_tokens where device_no = old.no order by no desc offset ${HISTORY_KEPT} limit 1);
      return null;
    end $$`,
  `create trigger devices_token_history after update of token, token_state, channel on devices
    for each row when (
      old.token_state in ('active', 'no_sender') and (
        new.token is distinct from old.token or new.channel <> old.channel
        or new.token_state not in ('active', 'no_sender'))
    ) execute function remember_token()`,
  `create table user_token_keys (
    app_id text not null references apps,
    key_id text not null,
    alg text not null check (alg in ('HS256', 'ES256', 'RS256')),
    sealed bytea not null,
    created_at timestamptz not null,
    primary key (app_id, key_id)
  )`,
];
