import type { Db } from '../core/database.ts';
import { revoke } from './revoke.ts';

export interface VendorKey {
  readonly id: string;
  readonly name: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export async function insertVendorKey(
  db: Db,
  key: { id: string; appId: string; name: string; sealed: Buffer; createdBy: string; now: Date },
): Promise<void> {
  await db
    .insertInto('vendor_keys')
    .values({
      id: key.id,
      app_id: key.appId,
      name: key.name,
      sealed: key.sealed,
      created_by: key.createdBy,
      created_at: key.now,
      revoked_at: null,
    })
    .execute();
}

/** Finds the key that checks a callback. Undefined when the key is unknown or revoked. */
export async function findVendorKey(
  db: Db,
  id: string,
): Promise<{ appId: string; sealed: Buffer } | undefined> {
  return await db
    .selectFrom('vendor_keys')
    .select(['app_id as appId', 'sealed'])
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}

/** All vendor keys of the app, newest first. */
export async function listVendorKeys(db: Db, { appId }: { appId: string }): Promise<VendorKey[]> {
  return await db
    .selectFrom('vendor_keys')
    .select(['id', 'name', 'created_by as createdBy', 'created_at as createdAt', 'revoked_at as revokedAt'])
    .where('app_id', '=', appId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

/** False when the app has no such key. A repeated call keeps the time of the first. */
export async function revokeVendorKey(
  db: Db,
  key: { appId: string; id: string; now: Date },
): Promise<boolean> {
  return await revoke(db, 'vendor_keys', key);
}
