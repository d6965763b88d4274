import type { Metric } from '../../domain/pushes/metrics.ts';
import type { Db } from '../core/database.ts';
import { type CounterTable, Deltas } from '../core/deltas.ts';

/** The key of one line of the ledger's counters. */
export interface CounterKey {
  readonly platform: number;
  /** Place of the locale in the push's content; 0 for none. */
  readonly locale: number;
  readonly metric: Metric;
  /** '' where the metric has none. */
  readonly reason: string;
}

/** The hour of counters that no sender wrote. Only senders know the hour in which they settled. */
export const NO_HOUR = -1;

type Key = { readonly push_no: number; readonly hour: number } & CounterKey;

const COUNTERS: CounterTable<Key> = {
  name: 'push_counters',
  columns: {
    push_no: 'bigint',
    platform: 'smallint',
    metric: 'text',
    reason: 'text',
    locale: 'smallint',
    hour: 'smallint',
  },
};

export class CounterDeltas {
  readonly #deltas = new Deltas(COUNTERS);

  add(pushNo: number, { platform, locale, metric, reason }: CounterKey, value: number, hour = NO_HOUR): void {
    this.#deltas.add({ push_no: pushNo, platform, locale, metric, reason, hour }, value);
  }

  async write(db: Db, shard: number): Promise<void> {
    await this.#deltas.write(db, shard);
  }
}

/** The shard of frozen counters. */
const FROZEN_SHARD = -10;

/** Replaces the counters of the push for good. Only late receipts are still added to. */
export async function replaceCounters(
  db: Db,
  { pushNo, counters }: { pushNo: number; counters: readonly (CounterKey & { readonly value: number })[] },
): Promise<void> {
  await db.deleteFrom('push_counters').where('push_no', '=', pushNo).where('metric', '<>', 'late').execute();
  const deltas = new CounterDeltas();
  for (const counter of counters) {
    if (counter.metric !== 'late') deltas.add(pushNo, counter, counter.value);
  }
  await deltas.write(db, FROZEN_SHARD);
}
