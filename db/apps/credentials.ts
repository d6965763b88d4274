import type { Channel } from '../../domain/platform.ts';
import type { Db } from '../core/database.ts';
import { credentialRate, findRate } from '../ledger/rates.ts';

export interface SealedCredential {
  readonly channel: Channel;
  readonly sealed: Buffer;
  readonly version: number;
  readonly updatedAt: Date;
}

export interface ListedCredential extends SealedCredential {
  /** Requests per second over all senders; null means as fast as the push service accepts them. */
  readonly ratePerSecond: number | null;
}

/** Raises the version, by which senders notice that they hold the old credential. */
export async function putCredential(
  db: Db,
  credential: { appId: string; channel: Channel; sealed: Buffer; now: Date },
): Promise<SealedCredential> {
  const { appId, channel, sealed, now } = credential;
  return db
    .insertInto('credentials')
    .values({ app_id: appId, channel, sealed, updated_at: now })
    .onConflict((conflict) =>
      conflict.columns(['app_id', 'channel']).doUpdateSet((eb) => ({
        sealed,
        updated_at: now,
        version: eb('credentials.version', '+', 1),
      })),
    )
    .returning(['channel', 'sealed', 'version', 'updated_at as updatedAt'])
    .executeTakeFirstOrThrow();
}

export async function findCredential(
  db: Db,
  appId: string,
  channel: Channel,
): Promise<Pick<SealedCredential, 'sealed' | 'version'> | undefined> {
  return await db
    .selectFrom('credentials')
    .select(['sealed', 'version'])
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .executeTakeFirst();
}

export async function listCredentials(db: Db, appId: string): Promise<ListedCredential[]> {
  const credentials = await db
    .selectFrom('credentials')
    .select(['channel', 'sealed', 'version', 'updated_at as updatedAt'])
    .where('app_id', '=', appId)
    .orderBy('channel')
    .execute();
  return await Promise.all(
    credentials.map(async (credential) => ({
      ...credential,
      ratePerSecond: await findRate(db, credentialRate(appId, credential.channel)),
    })),
  );
}
