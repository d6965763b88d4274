import { STATUS_CODE } from '../domain/delivery.ts';
import type { Metric } from '../domain/metrics.ts';
import type { Receipt, ReceiptKind, ReceiptResult } from '../domain/receipt.ts';
import { platformOf } from './platform-code.ts';
import { sendOutcome } from './send-result.ts';

/** What receipts read and change of a delivery. */
export interface ReceiptRow {
  readonly n: number;
  readonly status: number;
  readonly platform: number | null;
  readonly reason: string | null;
  deliveredAt: Date | null;
  impressionAt: Date | null;
  openAt: Date | null;
  dismissedAt: Date | null;
  blocked: boolean;
  taps: number;
}

export type Count = (metric: Metric, reason: string, value: number) => void;

const NEVER_SENT: readonly number[] = [STATUS_CODE.lost, STATUS_CODE.suppressed, STATUS_CODE.not_sent];

const TIMES = {
  delivered: 'deliveredAt',
  impression: 'impressionAt',
  open: 'openAt',
  dismissal: 'dismissedAt',
} as const satisfies Record<ReceiptKind, keyof ReceiptRow>;

const METRIC_OF = { impression: 'impression', open: 'open', dismissal: 'dismissal' } as const;

/** What can be said of a receipt before anything is changed; undefined when it may count. */
export function refuseReceipt(
  row: ReceiptRow | undefined,
  receipt: Receipt,
): 'unknown' | 'not_supported' | undefined {
  if (row === undefined || NEVER_SENT.includes(row.status)) return 'unknown';
  const platform = platformOf(row.platform);
  if (platform === null) return 'unknown';
  return receipt.kind === 'dismissal' && platform === 'ios' ? 'not_supported' : undefined;
}

/** Changes the row as one receipt says, and counts what changed. `newTap`: its event was not seen before. */
export function applyReceipt(
  row: ReceiptRow,
  receipt: Receipt,
  newTap: boolean,
  count: Count,
): ReceiptResult {
  let changed = applyDelivery(row, receipt, count);
  if (receipt.kind !== 'delivered' && row[TIMES[receipt.kind]] === null) {
    row[TIMES[receipt.kind]] = receipt.at;
    count(METRIC_OF[receipt.kind], '', 1);
    changed = true;
  }
  if (newTap) {
    row.taps += 1;
    count('taps', '', 1);
    changed = true;
  }
  return changed ? 'counted' : 'duplicate';
}

function applyDelivery(row: ReceiptRow, receipt: Receipt, count: Count): boolean {
  let changed = false;
  if (row.deliveredAt === null) {
    const before = sendOutcome({ ...row, receipted: false });
    const after = sendOutcome({ ...row, receipted: true });
    // Before the sender settled the row it stands in no counter: the settle sees the receipt and counts a success.
    if (before !== undefined && after !== undefined && before.metric !== after.metric) {
      count(before.metric, before.reason, -1);
      count(after.metric, after.reason, 1);
    }
    row.deliveredAt = receipt.at;
    changed = true;
  }
  if (receipt.kind === 'delivered' && receipt.blocked && !row.blocked) {
    row.blocked = true;
    count('blocked', '', 1);
    changed = true;
  }
  return changed;
}
