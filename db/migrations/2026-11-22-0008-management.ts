import { type Kysely, sql } from 'kysely';

/** A migration is frozen once released: it never imports the product's own types. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Names are compared alike in every language, whatever the locale of the server.
  `create function fold_name(text) returns text language sql immutable strict parallel safe
    return casefold(normalize($1, nfkc) collate "pg_unicode_fast")`,
  // Every character and every pair of neighbours: finds parts of any length, in scripts without words, too.
  `create function name_grams(text) returns text[] language sql immutable strict parallel safe
    return (select coalesce(array_agg(distinct gram), '{}') from (
      select substr($1, n, size) collate "C" as gram
      from generate_series(1, length($1)) n, generate_series(1, 2) size where n + size <= length($1) + 1) g)`,
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
  'alter table tasks add column subgroup_id text',
  `insert into subgroups (id, app_id, name, created_at, updated_at)
    select 'subgroup-' || substr(md5(app_id || ' ' || subgroup), 1, 10), app_id, subgroup, min(created_at), min(created_at)
    from tasks where subgroup <> '' group by app_id, subgroup`,
  `update tasks t set subgroup_id = s.id from subgroups s
    where s.app_id = t.app_id and s.name = t.subgroup and t.subgroup <> ''`,
  'alter table tasks drop column subgroup',
  `alter table tasks add foreign key (app_id, subgroup_id) references subgroups (app_id, id)
    on delete set null (subgroup_id)`,
  'create index on tasks (subgroup_id) where subgroup_id is not null',
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
  `alter table tasks add column name_folded text collate "pg_unicode_fast"
    generated always as (fold_name(name)) stored`,
  'create index tasks_name_grams on tasks using gin (name_grams(name_folded))',
  'create index on tasks (app_id, name_folded, id) where archived_at is null',
  `create index on tasks (app_id, (coalesce(push_at, '-infinity')), id) where archived_at is null`,
  'create index on tasks (app_id, status, created_at desc, id desc) where archived_at is null',
  // What the list is sorted by; the figures that it shows are read from the counters.
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
  'create index on pushes (app_id, finalised_at)',
  // Seen by claims without waiting for any: `apps.stopped_at` alone would wait for a gap between them.
  `create table app_stops (
    app_id text primary key references apps,
    at timestamptz not null,
    person_id text not null references people,
    reason text not null
  )`,
  'alter table apps add column resumed_by text references people',
  // Where a request came from. The workflow carries its ID only, so that no address is in a history.
  `create table request_origins (
    id text primary key,
    app_id text not null references apps,
    key_id text not null,
    ip inet,
    user_agent text,
    at timestamptz not null
  )`,
  `create trigger request_origins_append_only before update or delete on request_origins
    for each row execute function refuse_change()`,
  'alter table audit add column origin text',
  `create trigger audit_never_emptied before truncate on audit
    for each statement execute function refuse_change()`,
  'create index on audit (app_id, person_id, no desc)',
  'create index on audit (task_id, no desc)',
];
