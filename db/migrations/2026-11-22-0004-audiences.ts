import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  'alter table audiences drop constraint audiences_kind_check',
  `alter table audiences add constraint audiences_kind_check
    check (kind in ('upload', 'all', 'result', 'rule', 'combination')) not valid`,
  'alter table audiences validate constraint audiences_kind_check',
  'alter table audiences add column archived_at timestamptz',
  // The versions that an app has are few: they are walked in the index, and compared outside.
  'create index on devices (app_id, app_version) where app_version is not null',
  `create table audience_refreshes (
    audience_id text primary key references audiences,
    version integer not null,
    run integer not null,
    state text not null check (state in ('running', 'done', 'failed')),
    done_devices bigint not null,
    total_devices bigint not null,
    next_no bigint not null,
    counts jsonb not null,
    reason text,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    finished_at timestamptz
  )`,
  `create index on audience_refreshes (beat_at) where state = 'running'`,
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
    device_no bigint
  )`,
  'create index on frozen_members (frozen_no)',
];
