import type { Content } from '../../domain/content/content.ts';
import { localesOf } from '../../domain/content/content-locale.ts';
import { variantName } from '../../domain/content/content-variant.ts';
import { type Counter, METRICS, type Metric, type Pending } from '../../domain/pushes/metrics.ts';
import { platformOf } from '../core/platform-code.ts';

export interface CounterRow {
  readonly metric: string;
  readonly platform: number;
  /** Place in the content; null where locales are not told apart. */
  readonly locale: number | null;
  readonly reason: string;
  readonly value: number;
}

/**
 * The counters of pushes with one content. The content is needed when some devices got one of its locales.
 */
export function countersFrom(rows: readonly CounterRow[], content: Content | null): Counter[] {
  const locales = content === null ? [] : localesOf(content);
  return rows.flatMap(({ metric, platform: code, locale, reason, value }) => {
    if (!isMetric(metric)) return [];
    const platform = platformOf(code);
    const variant = platform === null || locale === null ? null : variantName(platform, locales[locale - 1]);
    return [{ metric, platform, variant, reason, value }];
  });
}

/** Counts by platform code. */
export function pendingFrom(counts: readonly number[]): Pending[] {
  return counts.flatMap((value, code) => {
    const platform = platformOf(code);
    return platform === null || value === 0 ? [] : [{ platform, value }];
  });
}

function isMetric(text: string): text is Metric {
  return (METRICS as readonly string[]).includes(text);
}
