import { type RawBuilder, sql } from 'kysely';
import { type Cap, MESSAGE_CLASSES } from '../domain/cap.ts';

/**
 * The devices of the table `placed` (device_no, user_key, channel, at, zone) that a cap keeps out. What other pushes
 * have sent, are sending, or are to send later counts alike, so that no window of that length holds more than the cap says.
 */
export function overCap(
  cap: Cap,
  { appId, pushNo, now }: { appId: string; pushNo: number; now: Date },
): RawBuilder<unknown> {
  const { max, per, window, channel } = cap;
  const [from, to] = windowOf(window);
  const whose =
    per === 'user'
      ? sql`k.app_id = ${appId} and k.user_key = c.user_key`
      : sql`k.app_id = ${appId} and k.device_no = c.device_no`;
  const through = channel === undefined ? sql`` : sql`and c.channel = ${channel} and k.channel = ${channel}`;
  const classed = cap.class === undefined ? sql`` : sql`and k.class = ${MESSAGE_CLASSES.indexOf(cap.class)}`;
  return sql`
    select c.device_no from placed c join contacts k on ${whose} and k.at > ${from} and k.at < ${to}
      and k.at > ${earliest(cap.window, now)}::timestamptz
    where k.push_no <> ${pushNo} ${through} ${classed}
    group by c.device_no having count(distinct k.push_no) >= ${max}`;
}

/** No window of a push that is prepared now begins before: what is older is not even read. */
function earliest(window: Cap['window'], now: Date): Date {
  const hours = window.kind === 'rolling' ? window.hours : 26;
  return new Date(now.getTime() - hours * 3_600_000);
}

/** Where clocks are put forward over midnight, the day begins when they show the first time of it. */
function windowOf(window: Cap['window']): [from: RawBuilder<unknown>, to: RawBuilder<unknown>] {
  if (window.kind === 'rolling') {
    const length = sql`make_interval(hours => ${window.hours}::int)`;
    return [sql`c.at - ${length}`, sql`c.at + ${length}`];
  }
  const day = sql`date_trunc('day', c.at at time zone c.zone)`;
  return [
    sql`(${day} at time zone c.zone) - interval '1 microsecond'`,
    sql`(${day} + interval '1 day') at time zone c.zone`,
  ];
}
