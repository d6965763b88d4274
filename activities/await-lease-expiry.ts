import { Context } from '@temporalio/activity';
import type { Db } from '../db/core/database.ts';
import { leasesExpireAt } from '../db/ledger/leases.ts';
import type { Clock } from '../domain/clock.ts';

const POLL_MS = 50;

/**
 * Resolves when no sender of the push can start a request: each gave its lease back, or its lease has
 * expired.
 */
export async function awaitSendersExpired(db: Db, clock: Clock, pushNo: number): Promise<void> {
  const context = Context.current();
  for (;;) {
    const at = await leasesExpireAt(db, pushNo);
    if (at === null || at <= (await clock())) return;
    context.heartbeat();
    await context.sleep(POLL_MS);
  }
}
