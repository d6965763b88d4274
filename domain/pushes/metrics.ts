import { CHANNEL_OF } from '../devices/device.ts';
import { CHANNELS, type Channel, PLATFORMS, type Platform } from '../platform.ts';

/** One row of the ledger's counters. `reason` is '' for metrics without reasons. */
export interface Counter {
  readonly metric: Metric;
  readonly platform: Platform | null;
  /** The name of the message's variant. Null without variants, or where variants are not told apart. */
  readonly variant: string | null;
  readonly reason: string;
  readonly value: number;
}

export const METRICS = [
  'planned',
  'matched',
  'unreachable',
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
  /** Requests that a push service refused and that were retried. */
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
  /** Null when the push has devices on iOS only, which has no such result. */
  readonly noFeedback: number | null;
  readonly deliveries: number;
  /** Figures that devices report are null where no device reports. The number is unknown, not 0. */
  readonly impressions: number | null;
  readonly impressionRate: number | null;
  readonly opens: number | null;
  readonly taps: number | null;
  readonly openRate: number | null;
  readonly dismissals: number | null;
  readonly dismissalRate: number | null;
  readonly blocked: number | null;
  /** The denominator of the rates: deliveries on the platforms whose devices report. */
  readonly rateBase: number;
  readonly refusedAttempts: number;
  readonly late: number;
}

export interface Statistics extends Figures {
  readonly lossReasons: Readonly<Record<string, number>>;
  readonly suppressedReasons: Readonly<Record<string, number>>;
  readonly notSentReasons: Readonly<Record<string, number>>;
  readonly failureReasons: Readonly<Record<string, number>>;
  readonly platforms: Readonly<Partial<Record<Platform, Figures>>>;
  readonly channels: Readonly<Partial<Record<Channel, Figures>>>;
  /** The figures of each variant, by the variant's name. */
  readonly variants: Readonly<Record<string, Figures>>;
}

export type Pending = { readonly platform: Platform; readonly value: number };

/**
 * `pending` comes from the leases, not from the counters, so that the sums can disagree. `reporting` names
 * the platforms whose devices are known to report. A platform with reports of this push counts as reporting,
 * too.
 */
export function statisticsOf(
  counters: readonly Counter[],
  pending: readonly Pending[],
  reporting: ReadonlySet<Platform>,
): Statistics {
  const reporters = reportingPlatforms(counters, reporting);
  const figures = (has: (platform: Platform | null) => boolean) => {
    const own = counters.filter(({ platform }) => has(platform));
    const waiting = pending.filter(({ platform }) => has(platform));
    return own.length > 0 || waiting.length > 0 ? figuresOf(own, sum(waiting), reporters) : undefined;
  };
  return {
    ...figuresOf(counters, sum(pending), reporters),
    lossReasons: byReason(counters, 'unreachable'),
    suppressedReasons: byReason(counters, 'suppressed'),
    notSentReasons: byReason(counters, 'not_sent'),
    failureReasons: byReason(counters, 'failure'),
    platforms: each(PLATFORMS, (platform) => figures((one) => one === platform)),
    channels: each(CHANNELS, (channel) => figures((one) => one !== null && CHANNEL_OF[one] === channel)),
    variants: variantsOf(counters, reporters),
  };
}

/** The figures of all counters together, with nothing pending. */
export function totalOf(counters: readonly Counter[], reporting: ReadonlySet<Platform>): Figures {
  return figuresOf(counters, 0, reportingPlatforms(counters, reporting));
}

/**
 * Leases do not tell variants apart, so the pending figure of a variant is the remainder of its matched
 * deliveries. `reconcileVariants` checks that all variants together have as many pending as the leases say.
 */
function variantsOf(counters: readonly Counter[], reporters: ReadonlySet<Platform>): Record<string, Figures> {
  const names = new Set(counters.flatMap(({ variant }) => variant ?? []));
  const figures = (name: string) => {
    const own = counters.filter(({ variant }) => variant === name);
    const { matched, suppressed, notSent, sent } = figuresOf(own, 0, reporters);
    return figuresOf(own, matched - suppressed - notSent - sent, reporters);
  };
  return Object.fromEntries([...names].sort().map((name) => [name, figures(name)]));
}

function each<Name extends string>(
  names: readonly Name[],
  figures: (name: Name) => Figures | undefined,
): Partial<Record<Name, Figures>> {
  const all: Partial<Record<Name, Figures>> = {};
  for (const name of names) {
    const own = figures(name);
    if (own !== undefined) all[name] = own;
  }
  return all;
}

const REPORTED: ReadonlySet<Metric> = new Set(['impression', 'open', 'taps', 'dismissal', 'blocked']);

function reporterOf({ metric, platform, value }: Counter): Platform[] {
  return platform !== null && value > 0 && REPORTED.has(metric) ? [platform] : [];
}

function reportingPlatforms(
  counters: readonly Counter[],
  reporting: ReadonlySet<Platform>,
): ReadonlySet<Platform> {
  return new Set([...reporting, ...counters.flatMap(reporterOf)]);
}

function figuresOf(counters: readonly Counter[], pending: number, reporters: ReadonlySet<Platform>): Figures {
  const sumOf = sumsByMetric(counters);
  const success = sumOf('success');
  const hasNoFeedback = counters.some(({ platform }) => platform !== null && platform !== 'ios');
  return {
    planned: sumOf('planned'),
    matched: sumOf('matched'),
    losses: sumOf('unreachable'),
    suppressed: sumOf('suppressed'),
    pending,
    notSent: sumOf('not_sent'),
    sent: success + sumOf('failure') + sumOf('no_feedback'),
    success,
    failures: sumOf('failure'),
    noFeedback: hasNoFeedback ? sumOf('no_feedback') : null,
    deliveries: success,
    ...reportedFigures(counters, reporters),
    refusedAttempts: sumOf('refused_attempt'),
    late: sumOf('late'),
  };
}

type Reported = Pick<
  Figures,
  | ('impressions' | 'impressionRate' | 'opens' | 'taps' | 'openRate')
  | ('dismissals' | 'dismissalRate' | 'blocked' | 'rateBase')
>;

/**
 * Figures that devices report. A figure is null where none of the push's platforms has a reporting device.
 * iOS reports no dismissals, so the other platforms alone decide whether dismissals are known.
 */
function reportedFigures(counters: readonly Counter[], reporters: ReadonlySet<Platform>): Reported {
  const sumOf = sumsByMetric(counters.filter(({ platform }) => platform !== null && reporters.has(platform)));
  const knownIf = (platforms: readonly Platform[], metric: Metric) =>
    platforms.length === 0 || platforms.some((platform) => reporters.has(platform)) ? sumOf(metric) : null;
  const all = counters.flatMap(matchedPlatform);
  const impressions = knownIf(all, 'impression');
  const opens = knownIf(all, 'open');
  const dismissals = knownIf(
    all.filter((platform) => platform !== 'ios'),
    'dismissal',
  );
  const rateBase = sumOf('success');
  const rate = (count: number | null) => (count === null || rateBase === 0 ? null : count / rateBase);
  return {
    impressions,
    impressionRate: rate(impressions),
    opens,
    taps: knownIf(all, 'taps'),
    openRate: rate(opens),
    dismissals,
    dismissalRate: rate(dismissals),
    blocked: knownIf(all, 'blocked'),
    rateBase,
  };
}

function sumsByMetric(counters: readonly Counter[]): (metric: Metric) => number {
  const sums: Partial<Record<Metric, number>> = {};
  for (const { metric, value } of counters) sums[metric] = (sums[metric] ?? 0) + value;
  return (metric) => sums[metric] ?? 0;
}

function matchedPlatform({ metric, platform, value }: Counter): Platform[] {
  return metric === 'matched' && value > 0 && platform !== null ? [platform] : [];
}

export interface Sum {
  readonly rule: string;
  readonly left: number;
  readonly right: number;
}

/** Both sides of each sum that must add up. */
export function sumsOf(figures: Figures): Sum[] {
  const { matched, suppressed, pending, sent, notSent } = figures;
  return [
    { rule: 'planned = matched + losses', left: figures.planned, right: matched + figures.losses },
    {
      rule: 'matched = suppressed + pending + sent + not sent',
      left: matched,
      right: suppressed + pending + sent + notSent,
    },
    {
      rule: 'sent = success + failures + no feedback',
      left: sent,
      right: figures.success + figures.failures + (figures.noFeedback ?? 0),
    },
  ];
}

/** The sums that do not add up. Empty when the numbers reconcile. */
export function reconcile(figures: Figures): string[] {
  return sumsOf(figures)
    .filter(({ left, right }) => left !== right)
    .map(({ rule, left, right }) => `${rule}: ${left} is not ${right}`);
}

/** Differences between all variants together and all platforms. Empty without variants. */
export function reconcileVariants({ variants, platforms }: Statistics): string[] {
  const all = Object.values(variants);
  if (all.length === 0) return [];
  const total = (figures: readonly Figures[], name: 'matched' | 'pending' | 'sent' | 'success') =>
    figures.reduce((sum, one) => sum + one[name], 0);
  return (['matched', 'pending', 'sent', 'success'] as const).flatMap((name) => {
    const [left, right] = [total(all, name), total(Object.values(platforms), name)];
    return left === right ? [] : [`${name} of all variants: ${left} is not ${right}`];
  });
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
