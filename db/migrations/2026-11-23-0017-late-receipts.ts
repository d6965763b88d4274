import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What was told too late, so that it counts once. The delivery is gone by then: no key refers to it.
  `create table late_receipts (
    ended_at timestamptz not null,
    push_no bigint not null,
    n integer not null,
    kind smallint not null,
    primary key (ended_at, push_no, n, kind)
  )`,
];
