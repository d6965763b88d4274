import { z } from 'zod';
import type { DayTotals, Totals } from '../../db/statistics/totals.ts';
import { IsoDate } from '../http/schemas.ts';
import { explain, explained, Statistics } from './statistics-view.ts';

const totals = {
  asOf: IsoDate,
  pushes: z.int(),
  /** The number of frozen pushes. When all are frozen, the totals are final. */
  finalPushes: z.int(),
  statistics: Statistics,
  ...explained,
};
export const TotalsBody = z.object(totals).meta({ id: 'TotalStatistics' });
export type TotalsBody = z.infer<typeof TotalsBody>;

const Day = z
  .object({
    /** The day on which the pushes started, in the app's time zone. */
    day: z.string(),
    pushes: z.int(),
    planned: z.int(),
    deliveries: z.int(),
    failures: z.int(),
    impressions: z.int().nullable(),
    opens: z.int().nullable(),
    dismissals: z.int().nullable(),
  })
  .meta({ id: 'DayStatistics' });
export const AppTotalsBody = z
  .object({ from: IsoDate, to: IsoDate, ...totals, days: z.array(Day) })
  .meta({ id: 'AppStatistics' });

/** A figure that is unknown for the period is unknown for its days. */
export function daysOf(days: readonly DayTotals[], { statistics }: Totals): z.infer<typeof Day>[] {
  return days.map((day) => ({
    ...day,
    impressions: statistics.impressions === null ? null : day.impressions,
    opens: statistics.opens === null ? null : day.opens,
    dismissals: statistics.dismissals === null ? null : day.dismissals,
  }));
}

export function totalsOf(all: Totals, asOf: Date): TotalsBody {
  return { asOf, ...all, ...explain(all.statistics) };
}
