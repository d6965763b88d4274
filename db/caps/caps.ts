import { type RawBuilder, sql } from 'kysely';
import { type Cap, MESSAGE_CLASSES } from '../../domain/caps/cap.ts';

/**
 * The devices of the table `placed` (device_no, user_key, channel, at, zone) that a cap keeps out. Messages
 * that other pushes have sent, are sending or are to send later count alike, so that no window holds more
 * than the cap allows.
 */
export function overCap(
  cap: Cap,
  { appId, pushNo, now }: { appId: string; pushNo: number; now: Date },
): RawBuilder<unknown> {
  const { max, per, window, channel } = cap;
  const [from, to] = windowOf(window);
  const same =
    per === 'user' ? sql`contact.user_key = placed.user_key` : sql`contact.device_no = placed.device_no`;
  const through =
    channel === undefined ? sql`` : sql`and placed.channel = ${channel} and contact.channel = ${channel}`;
  const classed =
    cap.class === undefined ? sql`` : sql`and contact.class = ${MESSAGE_CLASSES.indexOf(cap.class)}`;
  return sql`
    select placed.device_no
    from placed
    join contacts contact on contact.app_id = ${appId}
      and ${same}
      and contact.at > ${from}
      and contact.at < ${to}
      and contact.at > ${earliest(cap.window, now)}::timestamptz
    where contact.push_no <> ${pushNo} ${through} ${classed}
    group by placed.device_no
    having count(distinct contact.push_no) >= ${max}`;
}

/** No window of a push that is prepared now begins before this: older contacts are not even read. */
function earliest(window: Cap['window'], now: Date): Date {
  const hours = window.kind === 'rolling' ? window.hours : 26;
  return new Date(now.getTime() - hours * 3_600_000);
}

/** Where clocks are put forward over midnight, the day begins when they show the first time of it. */
function windowOf(window: Cap['window']): [from: RawBuilder<unknown>, to: RawBuilder<unknown>] {
  if (window.kind === 'rolling') {
    const length = sql`make_interval(hours => ${window.hours}::int)`;
    return [sql`placed.at - ${length}`, sql`placed.at + ${length}`];
  }
  const day = sql`date_trunc('day', placed.at at time zone placed.zone)`;
  return [
    sql`(${day} at time zone placed.zone) - interval '1 microsecond'`,
    sql`(${day} + interval '1 day') at time zone placed.zone`,
  ];
}
