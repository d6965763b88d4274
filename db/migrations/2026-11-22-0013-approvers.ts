import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Persons of which roles decide about tasks.
  await sql`alter table apps add column approver_roles text[] not null default '{approver}'`.execute(db);
}
