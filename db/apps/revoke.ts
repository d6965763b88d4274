import type { Db } from '../core/database.ts';

/**
 * Revokes a row that is kept as evidence. False when the app has no such row. A repeated call keeps the time
 * of the first.
 */
export async function revoke(
  db: Db,
  table: 'keys' | 'vendor_keys',
  key: { appId: string; id: string; now: Date },
): Promise<boolean> {
  const row = await db
    .updateTable(table)
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(key.now)) }))
    .where('app_id', '=', key.appId)
    .where('id', '=', key.id)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}
