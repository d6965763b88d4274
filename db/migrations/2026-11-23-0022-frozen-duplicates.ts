import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Known when the copy is made: nobody looks for it among a million rows at the push.
  'alter table frozen_members add column is_duplicate boolean not null default false',
  `update frozen_members f set is_duplicate = true from frozen_members named
    where f.kind = 1 and named.kind = 0 and named.frozen_no = f.frozen_no and named.device_no = f.device_no`,
];
