import { type Kysely, sql } from 'kysely';

/** When a lease's holder was last seen, and whether a newer one waits for it to let go. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table leases add column seen_at timestamptz, add column recalled boolean not null default false`.execute(
    db,
  );
}
