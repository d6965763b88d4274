import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A recount of an audience that names its members goes through these instead of the app's devices.
  'alter table audience_refreshes rename column done_devices to done',
  'alter table audience_refreshes rename column total_devices to total',
  'alter table audience_refreshes add column next_kind smallint not null default 0',
  "alter table audience_refreshes add column next_id text not null default ''",
];
