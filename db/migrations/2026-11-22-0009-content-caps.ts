import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Null for pushes that say the same to everybody.
  'alter table deliveries add column variant smallint, add column variables jsonb',
];
