import type { Figures } from '../../domain/pushes/metrics.ts';
import type { Cell } from '../csv/csv-export.ts';
import type { PushBody } from '../pushes/push-view.ts';
import type { StatisticsDetail } from '../pushes/statistics-view.ts';

export const METRIC_COLUMNS = ['scope', 'name', 'metric', 'value'] as const;

/**
 * One line for each figure, in all and by platform, channel, variant, reason and hour. An unknown figure has
 * an empty value.
 */
export function metricRows({ statistics, reasons, hours, ...answer }: StatisticsDetail): Cell[][] {
  const { platforms, channels, variants, ...rest } = statistics;
  const { lossReasons, suppressedReasons, notSentReasons, failureReasons, ...all } = rest;
  return [
    ['push', '', 'asOf', answer.asOf],
    ['push', '', 'final', answer.final],
    ['push', '', 'windowEndsAt', answer.windowEndsAt],
    ...figureRows('all', '', { ...all, late: answer.late }),
    ['all', '', 'held', answer.held],
    ...Object.entries(platforms).flatMap(([name, figures]) => figureRows('platform', name, figures)),
    ...Object.entries(channels).flatMap(([name, figures]) => figureRows('channel', name, figures)),
    ...Object.entries(variants).flatMap(([name, figures]) => figureRows('variant', name, figures)),
    ...reasons.map(({ outcome, reason, devices }): Cell[] => [
      'reason',
      `${outcome}: ${reason}`,
      'devices',
      devices,
    ]),
    ...hours.flatMap(({ hour, platform, ...counts }) =>
      Object.entries(counts).map(([metric, value]): Cell[] => [
        'hour',
        `${hour} ${platform ?? ''}`,
        metric,
        value,
      ]),
    ),
  ];
}

function figureRows(scope: string, name: string, figures: Figures | undefined): Cell[][] {
  return Object.entries(figures ?? {}).map(([metric, value]): Cell[] => [scope, name, metric, value]);
}

const FIGURES = [
  ...['planned', 'matched', 'losses', 'suppressed', 'pending', 'notSent', 'sent', 'success', 'failures'],
  ...['noFeedback', 'deliveries', 'impressions', 'impressionRate', 'opens', 'taps', 'openRate', 'dismissals'],
  ...['dismissalRate', 'blocked', 'rateBase', 'refusedAttempts'],
] as readonly string[] as readonly (keyof Figures)[];

export const PUSH_COLUMNS: readonly string[] = [
  ...['push_id', 'task_id', 'status', 'started_at', 'final', 'late'],
  ...FIGURES,
];

export function pushRow({ id, taskId, status, startedAt, statistics: answer }: PushBody): Cell[] {
  const figures = FIGURES.map((name) => answer.statistics[name]);
  return [id, taskId, status, startedAt, answer.final, answer.late, ...figures];
}
