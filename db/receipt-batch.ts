import type { ReceiptKind, ReceiptResult } from '../domain/receipt.ts';
import type { IndexedReceipt } from '../domain/receipt-reader.ts';

/** What the receipts of one batch say of one delivery, taken together. Times are in milliseconds. */
export interface Saying {
  readonly n: number;
  /** The earliest receipt but dismissals: some platforms have none of those. */
  deliveredAt: number | null;
  impressionAt: number | null;
  openAt: number | null;
  dismissedAt: number | null;
  blocked: boolean;
  readonly receipts: IndexedReceipt[];
}

/** What a delivery learned from a batch; bits of one number. */
export const NEWS = {
  delivered: 1,
  impression: 2,
  open: 4,
  dismissal: 8,
  blocked: 16,
  /** Its platform has no dismissals. */
  noDismissals: 32,
} as const;

/** One saying for each delivery, in the order of their numbers: rows are locked in that order everywhere. */
export function sayingsOf(receipts: readonly IndexedReceipt[], since: number): Saying[] {
  const byNumber = new Map<number, Saying>();
  for (const receipt of receipts) {
    let saying = byNumber.get(receipt.n);
    if (saying === undefined) {
      saying = nothingOf(receipt.n);
      byNumber.set(receipt.n, saying);
    }
    addTo(saying, receipt, Math.max(receipt.at, since));
  }
  return [...byNumber.values()].sort((a, b) => a.n - b.n);
}

function nothingOf(n: number): Saying {
  const times = { deliveredAt: null, impressionAt: null, openAt: null, dismissedAt: null };
  return { n, ...times, blocked: false, receipts: [] };
}

function addTo(saying: Saying, receipt: IndexedReceipt, at: number): void {
  saying.receipts.push(receipt);
  switch (receipt.kind) {
    case 'dismissal':
      saying.dismissedAt = earlier(saying.dismissedAt, at);
      return;
    case 'impression':
      saying.impressionAt = earlier(saying.impressionAt, at);
      break;
    case 'open':
      saying.openAt = earlier(saying.openAt, at);
      break;
    case 'delivered':
      saying.blocked ||= receipt.blocked;
  }
  saying.deliveredAt = earlier(saying.deliveredAt, at);
}

function earlier(known: number | null, at: number): number {
  return known === null || at < known ? at : known;
}

/**
 * What became of each receipt of a delivery. Of several that say the same, the earliest is the one that counted.
 * `news` is undefined when there is no such delivery; `isNewTap` answers true once for each event that was not known.
 */
export function resultsOf(
  { receipts }: Saying,
  news: number | undefined,
  isNewTap: (receipt: IndexedReceipt) => boolean,
  tell: (receipt: IndexedReceipt, result: ReceiptResult) => void,
): void {
  if (news === undefined) {
    for (const receipt of receipts) tell(receipt, 'unknown');
    return;
  }
  let left = news;
  const take = (bit: number): boolean => {
    const isNew = (left & bit) !== 0;
    left &= ~bit;
    return isNew;
  };
  const ordered = receipts.length === 1 ? receipts : receipts.toSorted((a, b) => a.at - b.at);
  for (const receipt of ordered) {
    const { kind } = receipt;
    if (kind === 'dismissal' && (news & NEWS.noDismissals) !== 0) {
      tell(receipt, 'not_supported');
      continue;
    }
    // Each takes what it brought, so none of these may be skipped.
    const isDelivery = take(NEWS.delivered);
    const isFirst = kind !== 'delivered' && take(BIT_OF[kind]);
    const isBlock = kind === 'delivered' && receipt.blocked && take(NEWS.blocked);
    const isTap = kind === 'open' && isNewTap(receipt);
    tell(receipt, isDelivery || isFirst || isBlock || isTap ? 'counted' : 'duplicate');
  }
}

const BIT_OF: Readonly<Record<Exclude<ReceiptKind, 'delivered'>, number>> = {
  impression: NEWS.impression,
  open: NEWS.open,
  dismissal: NEWS.dismissal,
};
