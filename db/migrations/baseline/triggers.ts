/** Trigger tasks with the events that they wait for and the users that have entered. */
export const TRIGGERS = [
  `create table triggers (
    task_id text primary key references tasks,
    app_id text not null references apps,
    revision integer not null,
    name_no integer not null references event_names,
    unless_no integer references event_names,
    delay_ms bigint not null,
    cooldown_ms bigint,
    grace_ms bigint,
    starts_at timestamptz not null,
    ends_at timestamptz,
    paused boolean not null,
    -- The properties that an event must have to count. Null means that every event counts.
    filter jsonb
  )`,
  'create index on triggers (app_id, name_no)',
  // Events that a trigger waits for, until they are matched.
  `create table trigger_arrivals (
    no bigint generated always as identity primary key,
    app_id text not null,
    name_no integer not null,
    user_id text not null,
    at timestamptz not null,
    properties jsonb not null default '{}'
  )`,
  `create table trigger_entries (
    task_id text not null references tasks,
    user_id text not null,
    event_at timestamptz not null,
    due_at timestamptz not null,
    state smallint not null,
    cooldown_ms bigint,
    pushed_event_at timestamptz,
    push_no bigint,
    primary key (task_id, user_id)
  ) with (fillfactor = 80)`,
  'create index on trigger_entries (task_id, due_at) where state = 0',
];
