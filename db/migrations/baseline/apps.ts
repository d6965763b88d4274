/** Apps, the people and keys that act for them, and what each app has configured. */
export const APPS = [
  `create table apps (
    id text primary key,
    name text not null,
    time_zone text not null,
    signal_approval text not null default 'code' check (signal_approval in ('code', 'claimed', 'off')),
    maker_may_approve boolean not null default false,
    approvals_required smallint not null default 1 check (approvals_required between 1 and 3),
    stopped_at timestamptz,
    created_at timestamptz not null,
    resumed_by text,
    approval_limit_minutes integer check (approval_limit_minutes > 0),
    on_approval_timeout text not null default 'expire'
      check (on_approval_timeout in ('expire', 'late_policy')),
    approval_reminder_minutes integer check (approval_reminder_minutes > 0),
    -- Roles whose persons approve and reject tasks.
    approver_roles text[] not null default '{approver}'
  )`,
  `create table people (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    role text not null check (role in ('marketer', 'approver', 'operator')),
    created_at timestamptz not null
  )`,
  'create index on people (app_id)',
  'alter table apps add foreign key (resumed_by) references people',
  // Claims read this table without waiting. A stop in apps.stopped_at alone would wait for a gap between
  // claims.
  `create table app_stops (
    app_id text primary key references apps,
    at timestamptz not null,
    person_id text not null references people,
    reason text not null
  )`,
  `create table keys (
    id text primary key,
    app_id text not null references apps,
    person_id text references people,
    kind text not null check (kind in ('person', 'sdk')),
    -- The key itself is not stored.
    hash bytea not null unique,
    created_at timestamptz not null,
    revoked_at timestamptz,
    check ((kind = 'person') = (person_id is not null))
  )`,
  `create table credentials (
    app_id text not null references apps,
    channel text not null check (channel in ('apns', 'fcm')),
    sealed bytea not null,
    version integer not null default 1,
    updated_at timestamptz not null,
    primary key (app_id, channel)
  )`,
  // The app's own backend signs the identity of its users with these keys.
  `create table user_token_keys (
    app_id text not null references apps,
    key_id text not null,
    alg text not null check (alg in ('HS256', 'ES256', 'RS256')),
    sealed bytea not null,
    created_at timestamptz not null,
    primary key (app_id, key_id)
  )`,
  // Vendors sign their callbacks with these keys.
  `create table vendor_keys (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    sealed bytea not null,
    created_by text not null references people,
    created_at timestamptz not null,
    revoked_at timestamptz
  )`,
  'create index on vendor_keys (app_id, created_at desc, id desc)',
  // Caps and quiet hours of an app.
  `create table contact_rules (
    app_id text primary key references apps,
    rules jsonb not null,
    updated_by text not null references people,
    updated_at timestamptz not null
  )`,
  `create table idempotency_keys (
    app_id text not null,
    key text not null,
    request_hash bytea not null,
    status integer,
    response jsonb,
    created_at timestamptz not null,
    primary key (app_id, key)
  )`,
];
