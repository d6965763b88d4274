import { Client } from 'pg';
import { numbersText } from '../../db/core/array-text.ts';
import type { SentPush } from '../lib/ledger.ts';
import { deviceOf, kindOf } from './receipts-of.ts';

/**
 * Updates the same rows by bare statements on one connection, the least cost of a durable receipt. Returns
 * rows per second.
 */
export async function bareUpdates(
  databaseUrl: string,
  push: SentPush,
  { receipts, devices, batch }: { receipts: number; devices: number; batch: number },
): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const at = new Date().toISOString();
    const startedAt = performance.now();
    for (let start = 0; start < receipts; start += batch) {
      const numbers = Array.from({ length: Math.min(batch, receipts - start) }, (_, offset) =>
        deviceOf(start + offset, devices),
      );
      const kinds = numbers.map(kindOf);
      await client.query({
        name: 'bare',
        text: `update deliveries d set delivered_at = $4,
            impression_at = case when u.kind = 1 then $4 else impression_at end,
            open_at = case when u.kind = 2 then $4 else open_at end,
            dismissed_at = case when u.kind = 3 then $4 else dismissed_at end
          from unnest($2::int[], $3::int[]) u (delivery_no, kind)
          where d.partition_start = $5 and d.push_no = $1 and d.delivery_no = u.delivery_no`,
        values: [
          push.no,
          numbersText(numbers),
          numbersText(kinds.map((kind) => ['delivered', 'impression', 'open', 'dismissal'].indexOf(kind))),
          at,
          push.partitionStart,
        ],
      });
    }
    return receipts / ((performance.now() - startedAt) / 1000);
  } finally {
    await client.end();
  }
}
