import type { Platform } from './platform.ts';

/** One line of the ledger's counters. `reason` is '' where the metric has none. */
export interface Counter {
  readonly metric: Metric;
  readonly platform: Platform | null;
  readonly reason: string;
  readonly value: number;
}

export const METRICS = [
  'planned',
  'matched',
  'lost',
  'suppressed',
  'not_sent',
  /** sent = success + failure + no_feedback */
  'success',
  'failure',
  'no_feedback',
  'impression',
  'open',
  'taps',
  'dismissal',
  'blocked',
  /** Requests that a push service refused and that were tried again. */
  'refused_attempt',
  /** Receipts after the window. */
  'late',
] as const;
export type Metric = (typeof METRICS)[number];

export interface Figures {
  readonly planned: number;
  readonly matched: number;
  readonly losses: number;
  readonly suppressed: number;
  readonly pending: number;
  readonly notSent: number;
  readonly sent: number;
  readonly success: number;
  readonly failures: number;
  /** null where no platform of the push has it (iOS). */
  readonly noFeedback: number | null;
  readonly deliveries: number;
  readonly impressions: number;
  readonly impressionRate: number | null;
  readonly opens: number;
  readonly taps: number;
  readonly openRate: number | null;
  readonly dismissals: number;
  readonly dismissalRate: number | null;
  readonly blocked: number;
  readonly refusedAttempts: number;
  readonly late: number;
}

export interface Statistics extends Figures {
  readonly lossReasons: Readonly<Record<string, number>>;
  readonly suppressedReasons: Readonly<Record<string, number>>;
  readonly notSentReasons: Readonly<Record<string, number>>;
  readonly failureReasons: Readonly<Record<string, number>>;
  readonly platforms: Readonly<Partial<Record<Platform, Figures>>>;
}

/** `pending` comes from the leases, not from the counters, so that the sums can disagree. */
export function statisticsOf(
  counters: readonly Counter[],
  pending: readonly { readonly platform: Platform; readonly value: number }[],
): Statistics {
  const platforms: Partial<Record<Platform, Figures>> = {};
  for (const platform of ['ios', 'android', 'web'] as const) {
    const own = counters.filter((counter) => counter.platform === platform);
    const waiting = pending.filter((count) => count.platform === platform);
    if (own.length > 0 || waiting.length > 0) platforms[platform] = figuresOf(own, sum(waiting));
  }
  return {
    ...figuresOf(counters, sum(pending)),
    lossReasons: byReason(counters, 'lost'),
    suppressedReasons: byReason(counters, 'suppressed'),
    notSentReasons: byReason(counters, 'not_sent'),
    failureReasons: byReason(counters, 'failure'),
    platforms,
  };
}

function figuresOf(counters: readonly Counter[], pending: number): Figures {
  const of = (metric: Metric) => sum(counters.filter((counter) => counter.metric === metric));
  const success = of('success');
  const hasNoFeedback = counters.some((counter) => counter.platform !== null && counter.platform !== 'ios');
  const rate = (count: number) => (success === 0 ? null : count / success);
  return {
    planned: of('planned'),
    matched: of('matched'),
    losses: of('lost'),
    suppressed: of('suppressed'),
    pending,
    notSent: of('not_sent'),
    sent: success + of('failure') + of('no_feedback'),
    success,
    failures: of('failure'),
    noFeedback: hasNoFeedback ? of('no_feedback') : null,
    deliveries: success,
    impressions: of('impression'),
    impressionRate: rate(of('impression')),
    opens: of('open'),
    taps: of('taps'),
    openRate: rate(of('open')),
    dismissals: of('dismissal'),
    dismissalRate: rate(of('dismissal')),
    blocked: of('blocked'),
    refusedAttempts: of('refused_attempt'),
    late: of('late'),
  };
}

/** The sums that do not add up; none when the numbers reconcile. */
export function reconcile(figures: Figures): string[] {
  const faults: string[] = [];
  const equal = (text: string, left: number, right: number) => {
    if (left !== right) faults.push(`${text}: ${left} is not ${right}`);
  };
  equal('planned = matched + losses', figures.planned, figures.matched + figures.losses);
  equal(
    'matched = suppressed + pending + sent + not sent',
    figures.matched,
    figures.suppressed + figures.pending + figures.sent + figures.notSent,
  );
  equal(
    'sent = success + failures + no feedback',
    figures.sent,
    figures.success + figures.failures + (figures.noFeedback ?? 0),
  );
  return faults;
}

function byReason(counters: readonly Counter[], metric: Metric): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const counter of counters) {
    if (counter.metric !== metric) continue;
    reasons[counter.reason] = (reasons[counter.reason] ?? 0) + counter.value;
  }
  return reasons;
}

function sum(counters: readonly { readonly value: number }[]): number {
  return counters.reduce((total, counter) => total + counter.value, 0);
}
