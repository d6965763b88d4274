import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import type { UserTokenKeysTable } from '../schema/schema-devices.ts';

export interface UserTokenKey {
  readonly keyId: string;
  readonly alg: UserTokenKeysTable['alg'];
  /** Encrypted: a secret, or a public key in PEM. */
  readonly sealed: Buffer;
  readonly createdAt: Date;
}

/** Leaves room for rotation. */
export const MAX_USER_TOKEN_KEYS = 5;

/** Inserts or replaces the key with that ID. False when the app already has the maximum of other keys. */
export async function putUserTokenKey(
  db: Db,
  key: Omit<UserTokenKey, 'createdAt'> & { appId: string; now: Date },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into user_token_keys (app_id, key_id, alg, sealed, created_at)
    select ${key.appId}, ${key.keyId}, ${key.alg}, ${key.sealed}::bytea, ${key.now}::timestamptz
    from apps
    where id = ${key.appId}
      and ${MAX_USER_TOKEN_KEYS} > (
        select count(*)
        from user_token_keys
        where app_id = ${key.appId} and key_id <> ${key.keyId}
      )
    on conflict (app_id, key_id) do update
      set alg = excluded.alg, sealed = excluded.sealed, created_at = excluded.created_at`.execute(db);
  return numAffectedRows === 1n;
}

export async function listUserTokenKeys(db: Db, appId: string): Promise<UserTokenKey[]> {
  return await db
    .selectFrom('user_token_keys')
    .select(['key_id as keyId', 'alg', 'sealed', 'created_at as createdAt'])
    .where('app_id', '=', appId)
    .orderBy('key_id')
    .execute();
}

export async function deleteUserTokenKey(db: Db, appId: string, keyId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('user_token_keys')
    .where('app_id', '=', appId)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}
