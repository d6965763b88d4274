import type { Finished } from './comparison.ts';
import type { PushAnswer } from './release.ts';

/** What `--json` prints. */
export function resultOf(
  { outcome, pause, devices, counts, team, repeated }: Finished,
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
    team: { devices: team.size, ...team.devices.figures },
    tasks: repeated.tasks.map(({ pushes, ...task }) => ({ ...task, pushes: pushes.map(pushOf) })),
    receipts: devices.answers.actual,
    ...pause,
    generatedAudience: outcome.generatedAudience,
    ...more,
    final,
  };
}

function pushOf({ id, seq, status, dueAt, startedAt, statistics }: PushAnswer): object {
  const { planned, matched, sent, success, failures, noFeedback, ...more } = statistics.statistics;
  const { deliveries, impressions, opens, taps, dismissals } = more;
  return {
    ...{ id, seq, status, dueAt, startedAt, planned, matched, sent, success, failures, noFeedback },
    ...{ deliveries, impressions, opens, taps, dismissals, final: statistics.final },
  };
}
