import { sql } from 'kysely';
import { type DeliveryStatus, STATUS_CODE } from '../domain/delivery.ts';
import type { Counter, Metric } from '../domain/metrics.ts';
import type { Db } from './database.ts';
import { platformOf } from './platform-code.ts';
import { sendOutcome } from './send-result.ts';

interface Group {
  readonly platform: number | null;
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

export interface RecountedGroup {
  readonly platform: number | null;
  readonly status: number;
  readonly rows: number;
  readonly counters: readonly Counter[];
}

/** Reads every delivery of the push once; alike rows come back as one group with what they count as. */
export async function recountRows(
  db: Db,
  { pushNo, slot }: { pushNo: number; slot: Date },
): Promise<RecountedGroup[]> {
  const { rows } = await sql<Group>`
    select platform, status, reason, delivered_at is not null as receipted, count(*)::int as rows,
      count(impression_at)::int as impressions, count(open_at)::int as opens,
      count(dismissed_at)::int as dismissals, count(*) filter (where blocked)::int as blocked, sum(taps) as taps
    from deliveries where slot = ${slot} and push_no = ${pushNo}
    group by platform, status, reason, receipted`.execute(db);
  return rows.map((group) => ({
    platform: group.platform,
    status: group.status,
    rows: group.rows,
    counters: countersOf(group),
  }));
}

const STATUS_METRICS = ['lost', 'suppressed', 'not_sent'] as const satisfies readonly (DeliveryStatus &
  Metric)[];

function countersOf(group: Group): Counter[] {
  const lost = group.status === STATUS_CODE.lost;
  const counters = [
    counter(group, 'planned', group.rows),
    counter(group, 'matched', lost ? 0 : group.rows),
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

function counter({ platform }: Group, metric: Metric, value: number, reason = ''): Counter {
  return { metric, platform: platformOf(platform), reason, value };
}
