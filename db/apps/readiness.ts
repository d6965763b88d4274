import { CHANNELS, type Channel } from '../../domain/platform.ts';
import type { Db } from '../core/database.ts';

/** Answers the given version, or the newest without one. Undefined when the app has no such version. */
export async function findAudienceVersion(
  db: Db,
  args: { appId: string; audienceId: string; version?: number | undefined },
): Promise<number | undefined> {
  const row = await db
    .selectFrom('audiences as a')
    .innerJoin('audience_versions as v', (join) =>
      join
        .onRef('v.audience_id', '=', 'a.id')
        .on((eb) => eb('v.version', '=', args.version ?? eb.ref('a.version'))),
    )
    .select('v.version')
    .where('a.id', '=', args.audienceId)
    .where('a.app_id', '=', args.appId)
    .where('a.archived_at', 'is', null)
    .executeTakeFirst();
  return row?.version;
}

export interface Readiness {
  /** Channels whose credentials the app holds. */
  readonly channels: readonly Channel[];
  /** Whether devices can report receipts. */
  readonly hasSdkKey: boolean;
  /** Whether any receipt of a device has counted so far. */
  readonly hasReceipts: boolean;
}

/** Looks up what an app needs, apart from the task, to send and to receive receipts. */
export async function findReadiness(db: Db, { appId }: { appId: string }): Promise<Readiness> {
  const held = await db.selectFrom('credentials').select('channel').where('app_id', '=', appId).execute();
  const key = await db
    .selectFrom('keys')
    .select('id')
    .where('app_id', '=', appId)
    .where('kind', '=', 'sdk')
    .where('revoked_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  const channels = CHANNELS.filter((channel) => held.some((row) => row.channel === channel));
  const arrival = await db
    .selectFrom('receipt_arrivals')
    .select('app_id')
    .where('app_id', '=', appId)
    .where('source', '=', 'sdk')
    .where('result', '=', 'counted')
    .limit(1)
    .executeTakeFirst();
  return { channels, hasSdkKey: key !== undefined, hasReceipts: arrival !== undefined };
}
