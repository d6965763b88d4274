/** Audiences with their versions and members, and the progress of recounts and uploads. */
export const AUDIENCES = [
  `create table audiences (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    kind text not null check (kind in ('upload', 'all', 'result', 'rule', 'combination')),
    version integer not null,
    created_by text not null,
    created_at timestamptz not null,
    archived_at timestamptz
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
    -- 0: a device ID. 1: a user ID, which stands for the user's devices.
    kind smallint not null,
    id text not null,
    primary key (audience_id, version, kind, id),
    foreign key (audience_id, version) references audience_versions
  )`,
  // The last recount of an audience, in steps that another process can take over.
  `create table audience_refreshes (
    audience_id text primary key references audiences,
    version integer not null,
    run integer not null,
    state text not null check (state in ('running', 'done', 'failed')),
    done bigint not null,
    total bigint not null,
    next_no bigint not null,
    counts jsonb not null,
    reason text,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    finished_at timestamptz,
    -- A recount of an audience that names its members steps through these instead of the app's devices.
    next_kind smallint not null default 0,
    next_id text not null default ''
  )`,
  `create index on audience_refreshes (beat_at) where state = 'running'`,
  // The progress of an upload, which a request with the same key resumes.
  `create table audience_uploads (
    no bigint generated always as identity primary key,
    app_id text not null references apps,
    key text,
    target text not null,
    run integer not null,
    bytes bigint not null,
    lines bigint not null,
    columns jsonb,
    rows bigint not null,
    bad_rows bigint not null,
    errors jsonb not null,
    answer jsonb,
    updated_at timestamptz not null,
    unique (app_id, key)
  )`,
  // No foreign key, because it would be checked for each of millions of rows.
  `create table audience_upload_members (
    upload_no bigint not null,
    kind smallint not null,
    id text not null
  )`,
  'create index on audience_upload_members (upload_no)',
];

/** Copies of audiences, made when a revision is approved. These follow the tables of tasks. */
export const FROZEN_AUDIENCES = [
  `create table frozen_audiences (
    no bigint generated always as identity primary key,
    task_id text not null,
    revision integer not null,
    members bigint not null,
    frozen_at timestamptz not null,
    unique (task_id, revision),
    foreign key (task_id, revision) references task_revisions
  )`,
  `create table frozen_members (
    frozen_no bigint not null references frozen_audiences on delete cascade,
    kind smallint not null,
    id text not null,
    device_no bigint,
    -- Computed when the copy is made, so that a push does not search a million rows for duplicates.
    is_duplicate boolean not null default false
  )`,
  'create index on frozen_members (frozen_no)',
];
