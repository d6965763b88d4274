import type { Finished } from './comparison.ts';

/** What `--json` prints. */
export function resultOf(
  { outcome, pause, devices, counts }: Finished,
  more: { badRows: object; reconciles: boolean; differences: readonly string[]; durationMs: number },
): object {
  const { statistics: now, final, late } = outcome.answer;
  return {
    planned: now.planned,
    matched: now.matched,
    losses: now.losses,
    suppressed: now.suppressed,
    pending: now.pending,
    notSent: now.notSent,
    sent: now.sent,
    success: now.success,
    failures: now.failures,
    noFeedback: now.noFeedback,
    deliveries: now.deliveries,
    impressions: now.impressions,
    opens: now.opens,
    taps: now.taps,
    dismissals: now.dismissals,
    late,
    lossReasons: now.lossReasons,
    failureReasons: now.failureReasons,
    refusedAttempts: now.refusedAttempts,
    simulator: {
      requests: counts.requests,
      distinctDevices: counts.distinctDevices,
      duplicates: counts.duplicates,
      refused: { apns: counts.channels.apns.refused, fcm: counts.channels.fcm.refused },
    },
    devices: devices.figures,
    receipts: devices.answers.actual,
    ...pause,
    generatedAudience: outcome.generatedAudience,
    ...more,
    final,
  };
}
