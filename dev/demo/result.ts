import type { PushBody } from '../../api/pushes/push-view.ts';
import type { Finished } from './reconciliation.ts';

/** The object that `--json` prints. */
export function resultOf(
  { outcome, pause, devices, counts, team, tasks, badRows }: Finished,
  verdict: { reconciles: boolean; differences: readonly string[]; durationMs: number },
): object {
  const { statistics, final, late } = outcome.answer;
  const { apns, fcm } = counts.channels;
  return {
    ...figuresOf(statistics),
    losses: statistics.losses,
    suppressed: statistics.suppressed,
    pending: statistics.pending,
    notSent: statistics.notSent,
    late,
    lossReasons: statistics.lossReasons,
    failureReasons: statistics.failureReasons,
    refusedAttempts: statistics.refusedAttempts,
    simulator: {
      requests: counts.requests,
      distinctDevices: counts.distinctDevices,
      duplicates: counts.duplicates,
      refused: { apns: apns.refused, fcm: fcm.refused },
    },
    devices: devices.figures,
    team: { devices: team.size, ...team.devices.figures },
    tasks: tasks.map(({ pushes, ...task }) => ({ ...task, pushes: pushes.map(pushOf) })),
    receipts: devices.answers.actual,
    ...pause,
    generatedAudience: outcome.generatedAudience,
    badRows,
    ...verdict,
    final,
  };
}

function pushOf({ id, seq, status, dueAt, startedAt, statistics }: PushBody): object {
  return { id, seq, status, dueAt, startedAt, ...figuresOf(statistics.statistics), final: statistics.final };
}

function figuresOf(statistics: PushBody['statistics']['statistics']): object {
  const { planned, matched, sent, success, failures, noFeedback } = statistics;
  const { deliveries, impressions, opens, taps, dismissals } = statistics;
  return {
    planned,
    matched,
    sent,
    success,
    failures,
    noFeedback,
    deliveries,
    impressions,
    opens,
    taps,
    dismissals,
  };
}
