import { type Kysely, sql } from 'kysely';

/** So that a claim notices that rows were taken from its lease after its snapshot. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table leases add column version int not null default 0`.execute(db);
}
