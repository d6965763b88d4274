import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import * as baseline from './2026-11-30-0001-baseline.ts';
import * as zonesAndLocales from './2026-11-30-0002-zones-and-locales.ts';
import * as imports from './2026-11-30-0003-imports.ts';
import * as idempotencyContent from './2026-11-30-0005-idempotency-content.ts';

const MIGRATIONS = {
  '2026-11-30-0001-baseline': baseline,
  '2026-11-30-0002-zones-and-locales': zonesAndLocales,
  '2026-11-30-0003-imports': imports,
  '2026-11-30-0005-idempotency-content': idempotencyContent,
};

/** Brings the schema up to date. Several processes may run this at once. */
export async function migrateToLatest(databaseUrl: string): Promise<string[]> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: databaseUrl, max: 1 }) }),
  });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}
