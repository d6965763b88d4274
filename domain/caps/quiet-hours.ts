import { MINUTE_MS } from '../duration.ts';
import { daysAfter, localTimeOf, momentOf, momentsOf } from '../time/local-time.ts';
import type { QuietHours } from './cap.ts';

type Hours = Pick<QuietHours, 'from' | 'to'>;

/** Whether the zone's clocks show a time within the quiet hours. */
export function isQuiet({ from, to }: Hours, at: number, zone: string): boolean {
  const time = localTimeOf(at, zone).slice(11);
  return from < to ? time >= from && time < to : time >= from || time < to;
}

/** The first moment at which the zone's clocks show the end of the quiet hours, or have jumped over it. */
export function endOfQuiet(hours: Hours, at: number, zone: string): number {
  if (!isQuiet(hours, at, zone)) return at;
  const local = localTimeOf(at, zone);
  const day = local.slice(11) < hours.to ? local : daysAfter(local, 1);
  const end = `${day.slice(0, 10)}T${hours.to}`;
  let moment = momentsOf(end, zone).find((one) => one > at) ?? momentOf(end, zone);
  while (!isQuiet(hours, moment - MINUTE_MS, zone)) moment -= MINUTE_MS;
  return moment;
}
