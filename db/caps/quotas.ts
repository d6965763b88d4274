import { type RawBuilder, sql } from 'kysely';
import { type Cap, MESSAGE_CLASSES } from '../../domain/caps/cap.ts';
import type { SuppressionReason } from '../../domain/pushes/reasons.ts';
import { knownZoneOfApp } from '../core/zone-sql.ts';

const QUOTA: SuppressionReason = 'channel_quota';

/**
 * Lets only as many of the judged rows `recipient` through a channel as its daily quotas leave, by the
 * contact log of that day of the app. Each push draws other devices, and the same ones when it is prepared
 * again.
 */
export function withinQuotas(
  rows: RawBuilder<unknown>,
  quotas: readonly Cap[],
  args: { appId: string; pushNo: number; at: RawBuilder<unknown>; kept: RawBuilder<unknown> },
): RawBuilder<unknown> {
  const { appId, pushNo, at, kept } = args;
  const places = quotas.map((quota) =>
    quota.class === undefined ? -1 : MESSAGE_CLASSES.indexOf(quota.class),
  );
  return sql`
    with home as materialized (
      -- The time zone of the app.
      select ${knownZoneOfApp(appId)} as zone
    ), dated as materialized (
      -- The rows with the day that they count for.
      select recipient.*,
        recipient.loss is null and recipient.suppression is null as is_free,
        (${at} at time zone home.zone)::date as day
      from (${rows}) recipient
      cross join home
    ), quotas as materialized (
      -- The quota that each channel has left on each of these days.
      select days.channel, days.day, min(quota.max - (
        select count(*)
        from contacts contact
        where contact.app_id = ${appId}
          and contact.channel = days.channel
          and (quota.class = -1 or contact.class = quota.class)
          and contact.at >= days.day::timestamp at time zone home.zone
          and contact.at < (days.day + 1)::timestamp at time zone home.zone
      )) as free
      from (
        select distinct channel, day
        from dated
        where is_free
      ) days
      cross join home
      join unnest(
        ${quotas.map(({ channel }) => channel)}::text[],
        ${quotas.map(({ max }) => max)}::int[],
        ${places}::int[]
      ) quota (channel, max, class) on quota.channel = days.channel
      group by days.channel, days.day
    )
    select ${kept},
      case
        when recipient.is_free and recipient.place > quotas.free then ${sql.lit(QUOTA)}
        else recipient.suppression
      end as suppression
    from (
      select dated.*, row_number() over (
        partition by channel, day, is_free
        order by hashint8extended(device_no, ${pushNo}::bigint), device_no
      ) as place
      from dated
    ) recipient
    left join quotas on quotas.channel = recipient.channel and quotas.day = recipient.day`;
}
