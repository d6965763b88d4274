import { DAY_MS } from '../duration.ts';
import { localTimeOf } from '../time/local-time.ts';

/** Every n-th week, counted from the week of a moment. Weeks begin on Monday. */
export interface Weeks {
  readonly interval: number;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** Whether the date is in a week that is due. A Schedule cannot tell, so that its starts are filtered by this. */
export function isInDueWeek({ interval, since }: Weeks, date: string, zone: string): boolean {
  return (weekOf(date) - weekOf(localTimeOf(since, zone).slice(0, 10))) % interval === 0;
}

/** Numbers weeks on end. 1 January 1970 was a Thursday. */
function weekOf(date: string): number {
  return Math.floor((Date.parse(`${date}T00:00Z`) / DAY_MS + 3) / 7);
}
