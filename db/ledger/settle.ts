import { type RawBuilder, sql } from 'kysely';
import { VARIANTS_PER_LOCALE } from '../../domain/content/content-variant.ts';
import { PLATFORM_CODE, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { sendReasonSql, sendResultSql } from './send-result.ts';
import type { SqlValues } from './statement.ts';

type LeaseKey = SqlValues<{ readonly pushNo: number; readonly leaseNo: number }>;

/** The columns that the CTE `settled` must return to be counted. */
export const SETTLED_COLUMNS = sql`
  d.platform, d.variant, d.status, d.reason, d.delivered_at is not null as receipted`;

const { retry, not_sent } = STATUS_CODE;
const columns = {
  status: sql`status`,
  platform: sql`platform`,
  receipted: sql`receipted`,
  reason: sql`reason`,
};

/**
 * The CTEs `counts` and `counted` add the rows of the CTE `settled` to the counters of the lease. A row put
 * back to be tried again counts as a refused attempt when it has a reason; an attempt that never started has
 * none. All rows are settled in the same `hour` of the push.
 */
export function countSettled({ pushNo, leaseNo }: LeaseKey, hour: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    counts as (
      -- The settled rows, summed up by what they count as.
      select platform,
        status <> ${sql.lit(retry)} as is_final,
        case
          when status = ${sql.lit(retry)} and reason is not null then 'refused_attempt'
          when status = ${sql.lit(not_sent)} then 'not_sent'
          else ${sendResultSql(columns)}
        end as metric,
        case
          when status in (${sql.lit(retry)}, ${sql.lit(not_sent)}) then coalesce(reason, '')
          else ${sendReasonSql(columns)}
        end as reason,
        coalesce(variant, 0) / ${sql.lit(VARIANTS_PER_LOCALE)} as locale,
        count(*)::int as value
      from settled
      group by 1, 2, 3, 4, 5
    ), counted as (
      -- Counters change in the statement that changes the rows.
      insert into push_counters (push_no, shard, platform, metric, reason, locale, hour, value)
      select ${pushNo}::bigint, ${leaseNo}::smallint, platform, metric, reason, locale,
        ${hour}::smallint, value
      from counts
      where metric is not null
      on conflict (push_no, shard, platform, metric, reason, locale, hour)
      do update set value = push_counters.value + excluded.value
    )`;
}

/** The column `pending` of the lease, less the rows that `counts` made final. */
export const PENDING_LEFT: RawBuilder<number[]> = sql`array[${sql.join(
  Object.values(PLATFORM_CODE).map(
    (code) => sql`
          pending[${sql.lit(code + 1)}] - coalesce((
            select sum(value)
            from counts
            where is_final and platform = ${sql.lit(code)}
          ), 0)::int`,
  ),
)}]`;
