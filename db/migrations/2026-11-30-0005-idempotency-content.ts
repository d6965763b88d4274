import { type Kysely, sql } from 'kysely';

/** The bytes of an upload, which are known only once the upload was read. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table idempotency_keys add column content jsonb`.execute(db);
}
