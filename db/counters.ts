import { sql } from 'kysely';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import type { Counter, Metric } from '../domain/metrics.ts';
import type { Db } from './database.ts';
import { NO_PLATFORM } from './platform-code.ts';

interface Delta {
  readonly pushNo: number;
  readonly platform: number;
  readonly metric: Metric;
  readonly reason: string;
  value: number;
}

/** Sums changes of counters until they are written together. */
export class CounterDeltas {
  readonly #deltas = new Map<string, Delta>();

  add(pushNo: number, platform: number | null, metric: Metric, reason: string, value: number): void {
    const code = platform ?? NO_PLATFORM;
    const key = [pushNo, code, metric, reason].join('\n');
    const delta = this.#deltas.get(key);
    if (delta === undefined) this.#deltas.set(key, { pushNo, platform: code, metric, reason, value });
    else delta.value += value;
  }

  /** In one fixed order, so that two writers never wait for each other crosswise. */
  sorted(): Delta[] {
    return [...this.#deltas]
      .filter(([, delta]) => delta.value !== 0)
      .sort(([a, left], [b, right]) => left.pushNo - right.pushNo || (a < b ? -1 : 1))
      .map(([, delta]) => delta);
  }
}

/** What frozen counters stand under. */
const FROZEN_SLOT = -10;

/** From now on these are the push's counters; only late receipts are still added to, apart. */
export async function replaceCounters(
  db: Db,
  { pushNo, counters }: { pushNo: number; counters: readonly Counter[] },
): Promise<void> {
  await db.deleteFrom('push_counters').where('push_no', '=', pushNo).where('metric', '<>', 'late').execute();
  const deltas = new CounterDeltas();
  for (const { platform, metric, reason, value } of counters) {
    if (metric === 'late') continue;
    deltas.add(pushNo, platform === null ? null : PLATFORM_CODE[platform], metric, reason, value);
  }
  await addToCounters(db, FROZEN_SLOT, deltas);
}

/** Adds the deltas to the counters of one slot. */
export async function addToCounters(db: Db, slot: number, deltas: CounterDeltas): Promise<void> {
  const rows = deltas.sorted();
  if (rows.length === 0) return;
  await sql`
    insert into push_counters (push_no, slot, platform, metric, reason, value)
    select u.push_no, ${slot}::smallint, u.platform, u.metric, u.reason, u.value
    from unnest(
      ${rows.map((row) => row.pushNo)}::bigint[], ${rows.map((row) => row.platform)}::smallint[],
      ${rows.map((row) => row.metric)}::text[], ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.value)}::bigint[]
    ) with ordinality u (push_no, platform, metric, reason, value, place)
    order by u.place
    on conflict (push_no, slot, platform, metric, reason)
    do update set value = push_counters.value + excluded.value`.execute(db);
}
