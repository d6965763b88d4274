import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { deliveriesOf } from './partitions.ts';

export interface InvalidToken {
  readonly deliveryNo: number;
  readonly reason: string;
  /** A token registered after this is another one, and stays. */
  readonly staleSince: Date;
}

/** Deactivates the tokens that a push service said are gone, unless they were registered again since. */
export async function invalidateTokens(
  db: Db,
  args: { pushNo: number; partitionStart: Date; tokens: readonly InvalidToken[] },
): Promise<void> {
  if (args.tokens.length === 0) return;
  await sql`
    update devices d
    set token_state = 'invalid',
      invalid_reason = gone.reason,
      updated_at = greatest(d.updated_at, gone.stale_since)
    from unnest(
      ${args.tokens.map((token) => token.deliveryNo)}::int[],
      ${args.tokens.map((token) => token.reason)}::text[],
      ${args.tokens.map((token) => token.staleSince)}::timestamptz[]
    ) as gone (delivery_no, reason, stale_since)
    join ${deliveriesOf(args.partitionStart)} delivery on delivery.push_no = ${args.pushNo}
      and delivery.delivery_no = gone.delivery_no
    where d.no = delivery.device_no
      and d.token = delivery.token
      and d.token_state = 'active'
      and d.token_registered_at <= gone.stale_since`.execute(db);
}
