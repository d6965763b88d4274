/** Events that apps report about their users and devices. */
export const EVENTS = [
  // A number for each name keeps millions of rows from repeating it.
  `create table event_names (
    no integer generated always as identity primary key,
    app_id text not null references apps,
    name text not null,
    -- Whether devices without a user have reported the event. Rules consider such devices only then.
    anonymous boolean not null default false,
    created_at timestamptz not null,
    unique (app_id, name)
  )`,
  // One partition per month, so that old events are dropped with their partition.
  `create table events (
    at timestamptz not null,
    app_id text not null,
    name_no integer not null,
    user_id text,
    device_no bigint,
    properties jsonb not null default '{}',
    check ((user_id is null) <> (device_no is null))
  ) partition by range (at)`,
  'create index on events (name_no, at) include (user_id, device_no)',
  'create index on events (user_id, name_no, at) where user_id is not null',
  'create index on events (device_no, name_no, at) where device_no is not null',
  // Separate from the events, whose unique keys would have to include the time of the partitions.
  `create table event_keys (
    key uuid primary key,
    received_at timestamptz not null
  )`,
  'create index on event_keys using brin (received_at)',
];
