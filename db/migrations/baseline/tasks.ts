/** Tasks with their revisions, decisions, folders, sub-campaigns and test sends. */
export const TASKS = [
  // The two unique keys serve foreign keys that include the app, so that no task is in another app's folder.
  `create table subgroups (
    id text primary key,
    app_id text not null references apps,
    parent_id text,
    name text not null,
    created_by text references people,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (app_id, id),
    unique nulls not distinct (app_id, parent_id, name),
    check (parent_id <> id),
    foreign key (app_id, parent_id) references subgroups (app_id, id)
  )`,
  `create table tasks (
    id text primary key,
    app_id text not null references apps,
    name text not null,
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
    updated_at timestamptz not null,
    subgroup_id text,
    -- The form of the name for search and sorting.
    name_folded text collate "pg_unicode_fast" generated always as (fold_name(name)) stored,
    approval_due_at timestamptz,
    approval_reminded_for timestamptz,
    foreign key (app_id, subgroup_id) references subgroups (app_id, id) on delete set null (subgroup_id)
  )`,
  // One index per sort order of the list of tasks, without archived tasks.
  'create index on tasks (app_id, created_at desc, id desc) where archived_at is null',
  'create index on tasks (app_id, name_folded, id) where archived_at is null',
  `create index on tasks (app_id, (coalesce(push_at, '-infinity')), id) where archived_at is null`,
  'create index on tasks (app_id, status, created_at desc, id desc) where archived_at is null',
  'create index on tasks (subgroup_id) where subgroup_id is not null',
  'create index tasks_name_grams on tasks using gin (name_grams(name_folded))',
  `create index on tasks (approval_due_at)
    where status = 'pending_approval' and approval_due_at is not null`,
  `create table task_revisions (
    task_id text not null references tasks,
    revision integer not null,
    made_by text not null references people,
    made_at timestamptz not null,
    definition jsonb not null,
    primary key (task_id, revision)
  )`,
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
  `create table sub_campaigns (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    created_by text not null references people,
    created_at timestamptz not null,
    unique (app_id, name)
  )`,
  'create index on sub_campaigns (app_id, created_at desc, id desc)',
  `create table task_sub_campaigns (
    task_id text not null references tasks,
    sub_campaign_id text not null references sub_campaigns,
    primary key (task_id, sub_campaign_id)
  )`,
  'create index on task_sub_campaigns (sub_campaign_id, task_id)',
  // Sort keys of the list of tasks. The figures in the list are read from the counters.
  `create table task_totals (
    task_id text primary key references tasks,
    planned bigint not null,
    deliveries bigint not null,
    impressions bigint not null,
    opens bigint not null,
    dismissals bigint not null
  )`,
  `create table task_totals_refreshes (
    app_id text primary key references apps,
    as_of timestamptz not null
  )`,
  `create table test_sends (
    id text primary key,
    app_id text not null references apps,
    task_id text not null references tasks,
    revision integer not null,
    person_id text not null references people,
    at timestamptz not null,
    done_at timestamptz
  )`,
  'create index on test_sends (app_id, at)',
  'create index on test_sends (task_id, at)',
  `create table test_send_devices (
    test_send_id text not null references test_sends,
    device_id text not null,
    outcome text,
    reason text,
    primary key (test_send_id, device_id)
  )`,
];
