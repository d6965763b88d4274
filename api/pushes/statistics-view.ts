import { z } from 'zod';
import { platformOf } from '../../db/core/platform-code.ts';
import type { HourCount } from '../../db/ledger/hours.ts';
import type { StatisticsAnswer } from '../../db/statistics/statistics.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { explainReason } from '../../domain/pushes/explanations.ts';
import { type Statistics as Figured, sumsOf } from '../../domain/pushes/metrics.ts';
import { IsoDate } from '../http/schemas.ts';

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
  /** Null when no device of the platforms reports, like all figures that devices report. */
  impressions: Count.nullable(),
  impressionRate: Rate,
  opens: Count.nullable(),
  taps: Count.nullable(),
  openRate: Rate,
  dismissals: Count.nullable(),
  dismissalRate: Rate,
  blocked: Count.nullable(),
  /** The denominator of the rates: deliveries on the platforms whose devices report. */
  rateBase: Count,
  refusedAttempts: Count,
  late: Count,
};
const Figures = z.object(figures).meta({ id: 'Figures' });
const Reasons = z.record(z.string(), Count);

export const Statistics = z
  .object({
    ...figures,
    lossReasons: Reasons,
    suppressedReasons: Reasons,
    notSentReasons: Reasons,
    failureReasons: Reasons,
    platforms: z.object({ ios: Figures, android: Figures, web: Figures }).partial(),
    channels: z.object({ apns: Figures, fcm: Figures }).partial(),
    /** Keyed by platform and, if any, locale: `ios`, `ios/de`. Totals of an app have no variants. */
    variants: z.record(z.string(), Figures),
  })
  .meta({ id: 'Statistics' });

export const StatisticsBody = z
  .object({
    asOf: IsoDate,
    /** True once the statistics are frozen, at the end of the window. */
    final: z.boolean(),
    windowEndsAt: IsoDate.nullable(),
    /** Receipts after the window so far, which no other figure includes. */
    late: Count,
    /** Pending deliveries that wait for the local time of their zones or for the end of quiet hours. */
    held: Count,
    statistics: Statistics,
  })
  .meta({ id: 'StatisticsAnswer' });

const Reason = z
  .object({
    outcome: z.enum(['unreachable', 'suppressed', 'not_sent', 'failure']),
    reason: z.string(),
    devices: Count,
    meaning: z.string(),
    whatToDo: z.string(),
  })
  .meta({ id: 'ReasonExplained' });
const Sum = z
  .object({ rule: z.string(), left: Count, right: Count, holds: z.boolean() })
  .meta({ id: 'Reconciliation' });
const Hour = z
  .object({
    /** The hour since the start of the push, counted from 0. */
    hour: Count,
    platform: z.enum(PLATFORMS).nullable(),
    /** Devices that were sent to in that hour. */
    sent: Count,
    /** Devices whose first receipt of each kind was in that hour, by their corrected clocks. */
    delivered: Count,
    impressions: Count,
    opens: Count,
    dismissals: Count,
  })
  .meta({ id: 'HourOfPush' });

export const explained = {
  /** Every reason for a drop, most devices first. */
  reasons: z.array(Reason),
  /** The sums that must agree, and whether they do. */
  reconciliation: z.array(Sum),
};
export const StatisticsDetail = StatisticsBody.extend({ ...explained, hours: z.array(Hour) }).meta({
  id: 'PushStatistics',
});
export type StatisticsDetail = z.infer<typeof StatisticsDetail>;

export function explain(statistics: Figured): {
  reasons: z.infer<typeof Reason>[];
  reconciliation: z.infer<typeof Sum>[];
} {
  const reasons = [
    ...reasonsOf('unreachable', statistics.lossReasons),
    ...reasonsOf('suppressed', statistics.suppressedReasons),
    ...reasonsOf('not_sent', statistics.notSentReasons),
    ...reasonsOf('failure', statistics.failureReasons),
  ];
  return {
    reasons: reasons.sort((a, b) => b.devices - a.devices),
    reconciliation: sumsOf(statistics).map((sum) => ({ ...sum, holds: sum.left === sum.right })),
  };
}

function reasonsOf(
  outcome: z.infer<typeof Reason>['outcome'],
  reasons: Readonly<Record<string, number>>,
): z.infer<typeof Reason>[] {
  return Object.entries(reasons).map(([reason, devices]) => ({
    outcome,
    reason,
    devices,
    ...explainReason(reason),
  }));
}

export function bodyOf(answer: StatisticsAnswer): z.infer<typeof StatisticsBody> {
  const { asOf, final, windowEndsAt, late, held, statistics } = answer;
  return { asOf, final, windowEndsAt, late, held, statistics };
}

export function detailOf(answer: StatisticsAnswer, hours: readonly HourCount[]): StatisticsDetail {
  return { ...bodyOf(answer), ...explain(answer.statistics), hours: hoursOf(hours) };
}

const COLUMN = {
  sent: 'sent',
  delivered: 'delivered',
  impression: 'impressions',
  open: 'opens',
  dismissal: 'dismissals',
} as const;

function hoursOf(counts: readonly HourCount[]): z.infer<typeof Hour>[] {
  const hours = new Map<string, z.infer<typeof Hour>>();
  for (const { hour, platform, metric, value } of counts) {
    const key = `${hour} ${platform}`;
    const empty = { sent: 0, delivered: 0, impressions: 0, opens: 0, dismissals: 0 };
    const row = hours.get(key) ?? { hour, platform: platformOf(platform), ...empty };
    row[COLUMN[metric]] = value;
    hours.set(key, row);
  }
  return [...hours.values()];
}
