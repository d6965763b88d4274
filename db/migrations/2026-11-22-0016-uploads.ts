import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // How far the upload of an audience has come: who knows its key goes on there.
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
  // Without a foreign key, which would be checked for each of millions of rows.
  'create table audience_upload_members (upload_no bigint not null, kind smallint not null, id text not null)',
  'create index on audience_upload_members (upload_no)',
];
