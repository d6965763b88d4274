import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // locale: its place in the content of the push, 0 for what that says without any. hour: of the push, in which
  // a sender settled; -1 for what others count.
  `alter table push_counters add column locale smallint not null default 0, add column hour smallint not null default -1`,
  `alter table push_counters drop constraint push_counters_pkey,
    add primary key (push_no, slot, platform, metric, reason, locale, hour)`,
];
