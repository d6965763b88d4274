import { type Kysely, sql } from 'kysely';

/** Reports of uploaded files, which name lines, fields and reasons, and no value of the file. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table upload_reports (
    id text primary key,
    app_id text not null references apps,
    csv text not null,
    created_at timestamptz not null
  )`,
  'create index on upload_reports (created_at)',
  'alter table audience_uploads rename column errors to report',
  'alter table audience_uploads rename column columns to layout',
];
