import { type Kysely, sql } from 'kysely';

/** The ID that a saved filter searched for would outlive the device that it names. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`update audience_versions set source = source #- '{filter,deviceId}' where source #> '{filter,deviceId}' is not null`.execute(
    db,
  );
}
