import { Context } from '@temporalio/activity';
import type { Db } from '../db/database.ts';
import { silentAt } from '../db/leases.ts';
import type { Clock } from '../domain/clock.ts';

const POLL_MS = 50;

/** Resolves when no sender of the push can start a request: each has let go of its lease, or was silent long enough. */
export async function untilSilent(db: Db, clock: Clock, pushNo: number): Promise<void> {
  const context = Context.current();
  for (;;) {
    const at = await silentAt(db, pushNo);
    if (at === null || at <= (await clock())) return;
    context.heartbeat();
    await context.sleep(POLL_MS);
  }
}
