import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import * as ledger from './migrations/2026-11-22-0001-ledger.ts';
import * as devices from './migrations/2026-11-22-0002-devices.ts';
import * as events from './migrations/2026-11-22-0003-events.ts';
import * as audiences from './migrations/2026-11-22-0004-audiences.ts';
import * as receipts from './migrations/2026-11-22-0005-receipts.ts';
import * as leaseRecall from './migrations/2026-11-22-0006-lease-recall.ts';
import * as pushTypes from './migrations/2026-11-22-0007-push-types.ts';
import * as management from './migrations/2026-11-22-0008-management.ts';
import * as contentCaps from './migrations/2026-11-22-0009-content-caps.ts';
import * as webhooks from './migrations/2026-11-22-0010-webhooks.ts';
import * as statistics from './migrations/2026-11-22-0011-statistics.ts';
import * as triggerFilter from './migrations/2026-11-22-0012-trigger-filter.ts';
import * as approvers from './migrations/2026-11-22-0013-approvers.ts';
import * as holders from './migrations/2026-11-22-0014-holders.ts';
import * as parts from './migrations/2026-11-22-0015-parts.ts';
import * as uploads from './migrations/2026-11-22-0016-uploads.ts';
import * as lateReceipts from './migrations/2026-11-23-0017-late-receipts.ts';
import * as refreshSteps from './migrations/2026-11-23-0018-refresh-steps.ts';
import * as frozenDuplicates from './migrations/2026-11-23-0022-frozen-duplicates.ts';
import * as searchedDevice from './migrations/2026-11-23-0023-searched-device.ts';
import * as leaseVersions from './migrations/2026-11-23-0024-lease-versions.ts';

const MIGRATIONS = {
  '2026-11-22-0001-ledger': ledger,
  '2026-11-22-0002-devices': devices,
  '2026-11-22-0003-events': events,
  '2026-11-22-0004-audiences': audiences,
  '2026-11-22-0005-receipts': receipts,
  '2026-11-22-0006-lease-recall': leaseRecall,
  '2026-11-22-0007-push-types': pushTypes,
  '2026-11-22-0008-management': management,
  '2026-11-22-0009-content-caps': contentCaps,
  '2026-11-22-0010-webhooks': webhooks,
  '2026-11-22-0011-statistics': statistics,
  '2026-11-22-0012-trigger-filter': triggerFilter,
  '2026-11-22-0013-approvers': approvers,
  '2026-11-22-0014-holders': holders,
  '2026-11-22-0015-parts': parts,
  '2026-11-22-0016-uploads': uploads,
  '2026-11-23-0017-late-receipts': lateReceipts,
  '2026-11-23-0018-refresh-steps': refreshSteps,
  '2026-11-23-0022-frozen-duplicates': frozenDuplicates,
  '2026-11-23-0023-searched-device': searchedDevice,
  '2026-11-23-0024-lease-versions': leaseVersions,
};

/** Brings the schema up to date; safe to run from several processes at once. */
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
