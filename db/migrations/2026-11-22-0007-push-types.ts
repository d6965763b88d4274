import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Null: due from the start. Otherwise the wave of some time zones, which waits for its time.
  'alter table leases add column due_at timestamptz',
];
