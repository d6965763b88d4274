import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Devices from this number on are not written yet; and when the first were.
  'alter table pushes add column next_part_from bigint, add column prepared_at timestamptz',
  // Which tokens have changed hands since then.
  'create index on device_tokens (ended_at)',
];
