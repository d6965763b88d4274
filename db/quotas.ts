import { type RawBuilder, sql } from 'kysely';
import { type Cap, MESSAGE_CLASSES } from '../domain/cap.ts';
import type { SuppressionReason } from '../domain/reasons.ts';

const QUOTA: SuppressionReason = 'channel_quota';

/**
 * Of the judged rows `r` only as many go through a channel as its day limits leave, by what is entered in the contact
 * log for that day of the app. Which ones is drawn anew by each push, and alike when it is prepared again.
 */
export function withinQuotas(
  rows: RawBuilder<unknown>,
  quotas: readonly Cap[],
  {
    appId,
    pushNo,
    at,
    kept,
  }: { appId: string; pushNo: number; at: RawBuilder<unknown>; kept: RawBuilder<unknown> },
): RawBuilder<unknown> {
  const places = quotas.map((quota) =>
    quota.class === undefined ? -1 : MESSAGE_CLASSES.indexOf(quota.class),
  );
  return sql`
    with home as materialized (
      select coalesce((select n.name from pg_timezone_names n join apps a on a.time_zone = n.name where a.id = ${appId}), 'UTC') as zone
    ), dated as materialized (
      select r.*, r.loss is null and r.suppression is null as is_free, (${at} at time zone home.zone)::date as day
      from (${rows}) r cross join home
    ), quotas as materialized (
      select d.channel, d.day, min(q.max - (
        select count(*) from contacts k where k.app_id = ${appId} and k.channel = d.channel and (q.class = -1 or k.class = q.class)
          and k.at >= d.day::timestamp at time zone home.zone and k.at < (d.day + 1)::timestamp at time zone home.zone
      )) as free
      from (select distinct channel, day from dated where is_free) d cross join home
        join unnest(${quotas.map(({ channel }) => channel)}::text[], ${quotas.map(({ max }) => max)}::int[], ${places}::int[])
          q (channel, max, class) on q.channel = d.channel
      group by d.channel, d.day
    )
    select ${kept}, case when r.is_free and r.place > q.free then ${sql.lit(QUOTA)} else r.suppression end as suppression
    from (
      select dated.*, row_number() over (
        partition by channel, day, is_free order by hashint8extended(device_no, ${pushNo}::bigint), device_no) as place
      from dated
    ) r left join quotas q on q.channel = r.channel and q.day = r.day`;
}
