import { z } from 'zod';
import type { Totals } from '../db/totals.ts';
import { IsoDate } from './schemas.ts';
import { explain, explained, Statistics } from './statistics-view.ts';

const totals = {
  asOf: IsoDate,
  pushes: z.int(),
  /** How many of them are frozen: with all of them nothing changes any more. */
  finalPushes: z.int(),
  statistics: Statistics,
  ...explained,
};
export const TotalsBody = z.object(totals).meta({ id: 'TotalStatistics' });

const Day = z
  .object({
    /** On which pushes started, by the app's time zone. */
    day: z.string(),
    pushes: z.int(),
    planned: z.int(),
    deliveries: z.int(),
    failures: z.int(),
    impressions: z.int(),
    opens: z.int(),
    dismissals: z.int(),
  })
  .meta({ id: 'DayStatistics' });
export const AppTotalsBody = z
  .object({ from: IsoDate, to: IsoDate, ...totals, days: z.array(Day) })
  .meta({ id: 'AppStatistics' });

export function totalsOf(all: Totals, asOf: Date): z.infer<typeof TotalsBody> {
  return { asOf, ...all, ...explain(all.statistics) };
}
