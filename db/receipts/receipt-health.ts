import type { Db } from '../core/database.ts';
import { type Arrival, readArrivals } from './receipt-arrivals.ts';
import { countWaiting } from './receipt-inbox.ts';

export interface ReceiptHealth {
  readonly hasSdkKey: boolean;
  readonly arrivals: Arrival[];
  /** Vendors' callbacks that were stored and not read yet. */
  readonly inbox: { readonly waiting: number; readonly oldestAt: Date | null };
}

export async function readReceiptHealth(db: Db, args: { appId: string; now: Date }): Promise<ReceiptHealth> {
  const key = await db
    .selectFrom('keys')
    .select('id')
    .where('app_id', '=', args.appId)
    .where('kind', '=', 'sdk')
    .where('revoked_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return {
    hasSdkKey: key !== undefined,
    arrivals: await readArrivals(db, args),
    inbox: await countWaiting(db, args),
  };
}
