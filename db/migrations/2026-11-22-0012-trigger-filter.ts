import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What an event that counts has among its properties; null: any event.
  'alter table triggers add column filter jsonb',
  `alter table trigger_arrivals add column properties jsonb not null default '{}'`,
];
