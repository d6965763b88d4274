import { createHash } from 'node:crypto';
import type { Db } from '../core/database.ts';
import { afterCursor, type Paged, type PageRequest, toPage } from '../core/paging.ts';
import type { PeopleTable } from '../schema/schema.ts';
import { revoke } from './revoke.ts';

export type KeyOwner =
  | { kind: 'person'; keyId: string; appId: string; personId: string; role: PeopleTable['role'] }
  | { kind: 'sdk'; keyId: string; appId: string };

/** Owner of the key with this SHA-256 hash. Undefined when the key is unknown or revoked. */
export async function findCaller(db: Db, hash: Buffer): Promise<KeyOwner | undefined> {
  return ownerOf(await callers(db).where('keys.hash', '=', hash).executeTakeFirst());
}

/** Owner of the key with this ID. Undefined when the key is unknown or revoked. */
export async function findCallerByKeyId(db: Db, keyId: string): Promise<KeyOwner | undefined> {
  return ownerOf(await callers(db).where('keys.id', '=', keyId).executeTakeFirst());
}

function callers(db: Db) {
  return db
    .selectFrom('keys')
    .leftJoin('people', 'people.id', 'keys.person_id')
    .select(['keys.id', 'keys.app_id', 'keys.person_id', 'people.role'])
    .where('keys.revoked_at', 'is', null);
}

function ownerOf(
  row: { id: string; app_id: string; person_id: string | null; role: PeopleTable['role'] | null } | undefined,
): KeyOwner | undefined {
  if (row === undefined) return undefined;
  const { id: keyId, app_id: appId, person_id: personId, role } = row;
  if (personId === null || role === null) return { kind: 'sdk', keyId, appId };
  return { kind: 'person', keyId, appId, personId, role };
}

export interface NewKey {
  readonly id: string;
  readonly appId: string;
  readonly key: string;
  readonly personId: string | null;
  readonly createdAt: Date;
}

export async function insertKey(db: Db, key: NewKey): Promise<void> {
  await db
    .insertInto('keys')
    .values({
      id: key.id,
      app_id: key.appId,
      person_id: key.personId,
      kind: key.personId === null ? 'sdk' : 'person',
      hash: createHash('sha256').update(key.key).digest(),
      created_at: key.createdAt,
      revoked_at: null,
    })
    .execute();
}

export interface KeyRecord {
  readonly id: string;
  readonly role: PeopleTable['role'] | 'sdk';
  readonly personId: string | null;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export async function listKeys(db: Db, appId: string, page: PageRequest): Promise<Paged<KeyRecord>> {
  const rows = await db
    .selectFrom('keys')
    .leftJoin('people', 'people.id', 'keys.person_id')
    .select([
      'keys.id',
      'people.role',
      'keys.person_id as personId',
      'people.name',
      'keys.created_at as createdAt',
      'keys.revoked_at as revokedAt',
    ])
    .where('keys.app_id', '=', appId)
    .where(({ ref }) => afterCursor(ref('keys.created_at'), ref('keys.id'), page.cursor))
    .orderBy('keys.created_at', 'desc')
    .orderBy('keys.id', 'desc')
    .limit(page.limit + 1)
    .execute();
  return toPage(
    rows.map((row) => ({ ...row, role: row.role ?? ('sdk' as const) })),
    page.limit,
  );
}

/** False when the app has no such key. A repeated call keeps the time of the first. */
export async function revokeKey(db: Db, key: { appId: string; id: string; now: Date }): Promise<boolean> {
  return await revoke(db, 'keys', key);
}
