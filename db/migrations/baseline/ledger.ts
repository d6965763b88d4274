/** Pushes and the ledger of their deliveries. The fillfactor leaves room for updates by many senders. */
export const LEDGER = [
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
    -- The start of the partition that holds the deliveries.
    partition_start timestamptz,
    started_at timestamptz,
    window_ends_at timestamptz,
    window_ms bigint not null,
    statistics jsonb,
    finalised_at timestamptz,
    deliveries_deleted_at timestamptz,
    created_at timestamptz not null,
    -- Time until which users join a push of a trigger task.
    closed_at timestamptz,
    contacts_logged_at timestamptz,
    contacts_settled_at timestamptz,
    status_at timestamptz,
    -- Devices of the audience from this number on are not written yet.
    next_part_from bigint,
    prepared_at timestamptz,
    unique (task_id, seq)
  )`,
  'create index on pushes (partition_start) where deliveries_deleted_at is null',
  'create index on pushes (app_id, started_at desc, no desc)',
  'create index on pushes (app_id, finalised_at)',
  // The fence, which a claim reads and a pause or cancel changes.
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
    first_no integer not null,
    last_no integer not null,
    -- The high-water mark: rows up to here were claimed.
    claimed_to integer not null,
    epoch integer not null default 0,
    attempt integer not null default 0,
    draining_until timestamptz,
    pending integer[] not null,
    done boolean not null default false,
    seen_at timestamptz,
    recalled boolean not null default false,
    -- Null means due from the start. Leases of a later wave of time zones wait for this time.
    due_at timestamptz,
    holder text,
    -- Tells a claim that rows were taken from its lease after its snapshot.
    version integer not null default 0,
    primary key (push_no, lease_no)
  ) with (fillfactor = 50)`,
  `create table push_counters (
    push_no bigint not null references pushes,
    -- The shard of the writer: a lease, or a small negative number. No writer waits for a hot row.
    shard smallint not null,
    platform smallint not null,
    metric text not null,
    reason text not null default '',
    value bigint not null,
    -- Position of the locale in the push's content, 0 for content without locales.
    locale smallint not null default 0,
    -- The hour of the push in which a sender settled, -1 for other writers.
    hour smallint not null default -1,
    primary key (push_no, shard, platform, metric, reason, locale, hour)
  ) with (fillfactor = 50)`,
  `create table push_hours (
    push_no bigint not null references pushes,
    shard smallint not null,
    hour smallint not null,
    platform smallint not null,
    metric text not null,
    value bigint not null,
    primary key (push_no, shard, hour, platform, metric)
  ) with (fillfactor = 50)`,
  // One partition per half hour, created when pushes are prepared and dropped after the window.
  `create table deliveries (
    partition_start timestamptz not null,
    push_no bigint not null,
    delivery_no integer not null,
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
    -- Null for pushes that have one message for everybody.
    variant smallint,
    variables jsonb,
    primary key (push_no, delivery_no, partition_start)
  ) partition by range (partition_start)`,
  `create table open_events (
    partition_start timestamptz not null,
    push_no bigint not null,
    delivery_no integer not null,
    event_id text not null,
    opened_at timestamptz not null,
    primary key (push_no, delivery_no, event_id, partition_start)
  ) partition by range (partition_start)`,
  // The contact log, which caps count: a row for each device of a push.
  `create table contacts (
    app_id text not null,
    push_no bigint not null,
    -- '=' and the user's ID, or '#' and the number of a device without a user.
    user_key text not null,
    device_no bigint not null,
    channel text not null,
    class smallint not null,
    at timestamptz not null
  )`,
  'create index on contacts (app_id, user_key, at)',
  'create index on contacts (device_no, at)',
  'create index on contacts (push_no)',
  'create index on contacts using brin (at)',
];
