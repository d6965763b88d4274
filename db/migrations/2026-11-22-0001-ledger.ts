import { type Kysely, sql } from 'kysely';

/** A migration is frozen once released: it never imports the product's own types. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table apps (
    id text primary key,
    name text not null,
    time_zone text not null,
    signal_approval text not null default 'code' check (signal_approval in ('code', 'claimed', 'off')),
    maker_may_approve boolean not null default false,
    approvals_required smallint not null default 1 check (approvals_required between 1 and 3),
    stopped_at timestamptz,
    created_at timestamptz not null
  )`,
  `create table people (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    role text not null check (role in ('marketer', 'approver', 'operator')),
    created_at timestamptz not null
  )`,
  'create index on people (app_id)',
  `create table keys (
    id text primary key,
    app_id text not null references apps,
    person_id text references people,
    kind text not null check (kind in ('person', 'sdk')),
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
  `create table devices (
    no bigint generated always as identity primary key,
    app_id text not null references apps,
    device_id text not null,
    platform smallint not null,
    channel text not null,
    token text,
    token_state text not null check (token_state in ('active', 'none', 'invalid', 'replaced')),
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
    unique (app_id, device_id)
  )`,
  'create index on devices (app_id, user_id) where user_id is not null',
  `create unique index devices_active_token on devices (app_id, channel, md5(token)) where token_state = 'active'`,
  `create table audiences (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    kind text not null check (kind in ('upload', 'all', 'result')),
    version integer not null,
    created_by text not null,
    created_at timestamptz not null
  )`,
  'create index on audiences (app_id, created_at)',
  `create table audience_versions (
    audience_id text not null references audiences,
    version integer not null,
    members bigint not null,
    source jsonb not null default '{}',
    created_by text not null,
    created_at timestamptz not null,
    primary key (audience_id, version)
  )`,
  `create table audience_members (
    audience_id text not null,
    version integer not null,
    kind smallint not null,
    id text not null,
    primary key (audience_id, version, kind, id),
    foreign key (audience_id, version) references audience_versions
  )`,
  `create table tasks (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    subgroup text not null default '',
    revision integer not null,
    approved_revision integer,
    submission integer not null default 0,
    status text not null,
    status_reason text,
    in_push boolean not null default false,
    push_type text not null,
    channel text not null,
    push_at timestamptz,
    rate_per_second integer,
    creator text not null references people,
    state_version integer not null default 0,
    archived_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  'create index on tasks (app_id, created_at desc, id desc) where archived_at is null',
  `create table task_revisions (
    task_id text not null references tasks,
    revision integer not null,
    made_by text not null references people,
    made_at timestamptz not null,
    definition jsonb not null,
    primary key (task_id, revision)
  )`,
  `create function refuse_change() returns trigger language plpgsql as $$
    begin raise exception '% rows are immutable', tg_table_name; end $$`,
  `create trigger task_revisions_immutable before update or delete on task_revisions
    for each row execute function refuse_change()`,
  `create table remarks (
    id text primary key,
    task_id text not null references tasks,
    person_id text not null references people,
    text text not null,
    created_at timestamptz not null
  )`,
  `create table approvals (
    task_id text not null references tasks,
    submission integer not null,
    revision integer not null,
    person_id text not null references people,
    decision text not null check (decision in ('approve', 'reject')),
    via text not null check (via in ('api', 'signal', 'claimed')),
    remark text,
    decided_at timestamptz not null,
    primary key (task_id, submission, revision, person_id)
  )`,
  `create table audit (
    no bigint generated always as identity primary key,
    app_id text not null references apps,
    task_id text,
    submission integer,
    seq integer,
    at timestamptz not null,
    person_id text,
    verb text not null,
    via text not null,
    revision integer,
    outcome text not null check (outcome in ('done', 'ignored')),
    detail text,
    remark text,
    unique (task_id, submission, seq)
  )`,
  'create index on audit (app_id, no desc)',
  `create trigger audit_append_only before update or delete on audit
    for each row execute function refuse_change()`,
  `create table pushes (
    no bigint generated always as identity primary key,
    id text not null unique,
    app_id text not null references apps,
    task_id text not null references tasks,
    seq integer not null,
    revision integer not null,
    status text not null,
    status_reason text,
    due_at timestamptz not null,
    slot timestamptz,
    started_at timestamptz,
    window_ends_at timestamptz,
    window_ms bigint not null,
    statistics jsonb,
    finalised_at timestamptz,
    details_deleted_at timestamptz,
    created_at timestamptz not null,
    unique (task_id, seq)
  )`,
  'create index on pushes (slot) where details_deleted_at is null',
  `create table push_control (
    push_no bigint primary key references pushes,
    epoch integer not null default 0,
    open boolean not null default false,
    wanted text check (wanted in ('pause', 'cancel'))
  )`,
  `create table rates (
    key text primary key,
    per_second integer not null check (per_second > 0),
    next_at timestamptz not null
  )`,
  `create table leases (
    push_no bigint not null references pushes,
    lease_no integer not null,
    from_n integer not null,
    to_n integer not null,
    mark_n integer not null,
    epoch integer not null default 0,
    attempt integer not null default 0,
    draining_until timestamptz,
    pending integer[] not null,
    done boolean not null default false,
    primary key (push_no, lease_no)
  ) with (fillfactor = 50)`,
  `create table push_counters (
    push_no bigint not null references pushes,
    slot smallint not null,
    platform smallint not null,
    metric text not null,
    reason text not null default '',
    value bigint not null,
    primary key (push_no, slot, platform, metric, reason)
  ) with (fillfactor = 50)`,
  `create table deliveries (
    slot timestamptz not null,
    push_no bigint not null,
    n integer not null,
    device_no bigint,
    device_id text not null,
    platform smallint,
    channel text,
    token text,
    status smallint not null,
    reason text,
    settled_at timestamptz,
    delivered_at timestamptz,
    impression_at timestamptz,
    open_at timestamptz,
    dismissed_at timestamptz,
    blocked boolean not null default false,
    taps integer not null default 0,
    primary key (push_no, n, slot)
  ) partition by range (slot)`,
  `create table open_events (
    slot timestamptz not null,
    push_no bigint not null,
    n integer not null,
    event_id text not null,
    opened_at timestamptz not null,
    primary key (push_no, n, event_id, slot)
  ) partition by range (slot)`,
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
