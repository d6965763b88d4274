/** The audit trail, which nothing changes or removes, and the origins of its requests. */
export const AUDIT = [
  `create table audit (
    no bigint generated always as identity primary key,
    app_id text not null references apps,
    task_id text,
    submission integer,
    seq integer,
    at timestamptz not null,
    person_id text,
    action text not null,
    via text not null,
    revision integer,
    outcome text not null check (outcome in ('done', 'ignored')),
    detail text,
    remark text,
    origin text,
    -- A workflow that writes an entry again changes nothing.
    unique (task_id, submission, seq)
  )`,
  'create index on audit (app_id, no desc)',
  'create index on audit (app_id, person_id, no desc)',
  'create index on audit (task_id, no desc)',
  `create trigger audit_append_only before update or delete on audit
    for each row execute function refuse_change()`,
  `create trigger audit_never_emptied before truncate on audit
    for each statement execute function refuse_change()`,
  // Workflows carry the ID of the origin only, so that no IP address is in a history.
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
];
