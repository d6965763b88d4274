import { DAY_MS, MINUTE_MS } from '../duration.ts';
import type { Platform } from '../platform.ts';

const INBOX_MS = MINUTE_MS;
/** Shares of fewer receipts mean nothing. */
const MANY = 100;
const UNREADABLE_SHARE = 0.05;

export interface ArrivalFigures {
  readonly source: 'sdk' | 'vendor';
  readonly platform: Platform | null;
  readonly result: string;
  readonly lastAt: Date;
  readonly last24h: number;
}

export interface ReceiptWarning {
  readonly code:
    | 'no_sdk_key'
    | 'never_arrived'
    | 'silent'
    | 'many_unreadable'
    | 'many_unknown'
    | 'inbox_waits';
  readonly detail: string;
}

/** The problems that the arrivals of an app's receipts reveal. */
export function receiptWarnings(
  health: {
    readonly hasSdkKey: boolean;
    readonly arrivals: readonly ArrivalFigures[];
    readonly inbox: { readonly oldestAt: Date | null };
  },
  now: Date,
): ReceiptWarning[] {
  const { hasSdkKey, arrivals, inbox } = health;
  const warnings: ReceiptWarning[] = [];
  if (!hasSdkKey) {
    warnings.push({
      code: 'no_sdk_key',
      detail: 'The app has no SDK key, so its devices cannot report receipts.',
    });
  }
  const good = arrivals.filter(({ result }) => result === 'counted' || result === 'duplicate');
  if (good.length === 0) {
    const detail = 'No receipt has arrived yet. Until one does, impressions, opens and dismissals are n/a.';
    warnings.push({ code: 'never_arrived', detail });
  }
  for (const platform of new Set(good.flatMap((arrival) => arrival.platform ?? []))) {
    const last = Math.max(
      ...good.filter((one) => one.platform === platform).map((one) => one.lastAt.getTime()),
    );
    if (now.getTime() - last <= 7 * DAY_MS) continue;
    const days = Math.floor((now.getTime() - last) / DAY_MS);
    warnings.push({
      code: 'silent',
      detail: `No receipt from ${platform} devices has arrived for ${days} days.`,
    });
  }
  warnings.push(...badShares(arrivals));
  if (inbox.oldestAt !== null && now.getTime() - inbox.oldestAt.getTime() > INBOX_MS) {
    warnings.push({
      code: 'inbox_waits',
      detail: 'Vendor callbacks have been waiting to be read for more than a minute.',
    });
  }
  return warnings;
}

function badShares(arrivals: readonly ArrivalFigures[]): ReceiptWarning[] {
  const countOf = (wanted?: string) =>
    arrivals.reduce(
      (sum, { result, last24h }) => sum + (wanted === undefined || wanted === result ? last24h : 0),
      0,
    );
  const all = countOf();
  if (all < MANY) return [];
  const warnings: ReceiptWarning[] = [];
  if (countOf('error') / all > UNREADABLE_SHARE) {
    const detail = `${countOf('error')} of ${all} receipts of the last 24 hours were malformed. See the errors in the API's answers.`;
    warnings.push({ code: 'many_unreadable', detail });
  }
  if (countOf('unknown') / all > UNREADABLE_SHARE) {
    const detail = `${countOf('unknown')} of ${all} receipts of the last 24 hours name no delivery of this app. Possible causes: another app's SDK key, truncated message IDs, or forgery.`;
    warnings.push({ code: 'many_unknown', detail });
  }
  return warnings;
}
