import { sql } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../../domain/content/content-variant.ts';
import { type DeliveryStatus, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import type { Metric } from '../../domain/pushes/metrics.ts';
import type { Db } from '../core/database.ts';
import { NO_PLATFORM } from '../core/platform-code.ts';
import type { CounterKey } from './counters.ts';
import { sendOutcome } from './send-result.ts';

interface Group {
  readonly platform: number | null;
  readonly locale: number;
  readonly status: number;
  readonly reason: string | null;
  readonly receipted: boolean;
  readonly rows: number;
  readonly impressions: number;
  readonly opens: number;
  readonly dismissals: number;
  readonly blocked: number;
  readonly taps: number;
}

export type RecountedCounter = CounterKey & { readonly value: number };

export interface RecountedGroup {
  readonly platform: number | null;
  readonly status: number;
  readonly rows: number;
  readonly counters: readonly RecountedCounter[];
}

/** Reads every delivery of the push once. Rows that are alike come back as one group with its counters. */
export async function recountRows(
  db: Db,
  { pushNo, partitionStart }: { pushNo: number; partitionStart: Date },
): Promise<RecountedGroup[]> {
  const { rows } = await sql<Group>`
    select platform, coalesce(variant, 0) / ${sql.lit(VARIANTS_PER_LOCALE)} as locale, status, reason,
      delivered_at is not null as receipted,
      count(*)::int as rows,
      count(impression_at)::int as impressions,
      count(open_at)::int as opens,
      count(dismissed_at)::int as dismissals,
      count(*) filter (where blocked)::int as blocked,
      sum(taps) as taps
    from deliveries
    where partition_start = ${partitionStart}
      and push_no = ${pushNo}
    group by platform, locale, status, reason, receipted`.execute(db);
  return rows.map((group) => ({
    platform: group.platform,
    status: group.status,
    rows: group.rows,
    counters: countersOf(group),
  }));
}

const STATUS_METRICS = ['unreachable', 'suppressed', 'not_sent'] as const satisfies readonly (DeliveryStatus &
  Metric)[];

function countersOf(group: Group): RecountedCounter[] {
  const unreachable = group.status === STATUS_CODE.unreachable;
  const counters = [
    counter(group, 'planned', group.rows),
    counter(group, 'matched', unreachable ? 0 : group.rows),
    counter(group, 'impression', group.impressions),
    counter(group, 'open', group.opens),
    counter(group, 'dismissal', group.dismissals),
    counter(group, 'blocked', group.blocked),
    counter(group, 'taps', group.taps),
  ];
  const aside = STATUS_METRICS.find((status) => STATUS_CODE[status] === group.status);
  if (aside !== undefined) counters.push(counter(group, aside, group.rows, group.reason ?? ''));
  const outcome = sendOutcome(group);
  if (outcome !== undefined) counters.push(counter(group, outcome.metric, group.rows, outcome.reason));
  return counters.filter((one) => one.value !== 0);
}

function counter({ platform, locale }: Group, metric: Metric, value: number, reason = ''): RecountedCounter {
  return { platform: platform ?? NO_PLATFORM, locale, metric, reason, value };
}
