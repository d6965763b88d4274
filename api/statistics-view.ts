import { z } from 'zod';
import { IsoDate } from './schemas.ts';

const Count = z.int();
const Rate = z.number().nullable();

const figures = {
  planned: Count,
  matched: Count,
  losses: Count,
  suppressed: Count,
  pending: Count,
  notSent: Count,
  sent: Count,
  success: Count,
  failures: Count,
  noFeedback: Count.nullable(),
  deliveries: Count,
  impressions: Count,
  impressionRate: Rate,
  opens: Count,
  taps: Count,
  openRate: Rate,
  dismissals: Count,
  dismissalRate: Rate,
  blocked: Count,
  refusedAttempts: Count,
  late: Count,
};
const Figures = z.object(figures).meta({ id: 'Figures' });
const Reasons = z.record(z.string(), Count);

const Statistics = z
  .object({
    ...figures,
    lossReasons: Reasons,
    suppressedReasons: Reasons,
    notSentReasons: Reasons,
    failureReasons: Reasons,
    platforms: z.object({ ios: Figures, android: Figures, web: Figures }).partial(),
  })
  .meta({ id: 'Statistics' });

export const StatisticsBody = z
  .object({
    asOf: IsoDate,
    /** Frozen at the end of the window: they never change any more. */
    final: z.boolean(),
    windowEndsAt: IsoDate.nullable(),
    /** Receipts after the window so far; they are in no other number. */
    late: Count,
    statistics: Statistics,
  })
  .meta({ id: 'StatisticsAnswer' });
