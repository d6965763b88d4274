import type { ReceiptKind, ReceiptResult } from '../../domain/receipts/receipt.ts';
import type { IndexedReceipt } from '../../domain/receipts/receipt-reader.ts';

/** A push whose window is open: its receipts count. */
export interface OpenPush {
  readonly no: number;
  readonly partitionStart: Date;
  /** The start of the push in milliseconds: earlier times of receipts are moved to it. */
  readonly since: number;
}

/** The events of opens that were not known before, by delivery. */
export type Taps = Map<number, Set<string>>;

/** The reports of one batch about one delivery, taken together. Times are in milliseconds. */
export interface DeliveryUpdate {
  readonly deliveryNo: number;
  /** The earliest receipt except dismissals, which some platforms do not have. */
  deliveredAt: number | null;
  impressionAt: number | null;
  openAt: number | null;
  dismissedAt: number | null;
  blocked: boolean;
  readonly receipts: IndexedReceipt[];
}

/** The ways in which a batch changes a delivery, as bits of one number. */
export const CHANGE = {
  delivered: 1,
  impression: 2,
  open: 4,
  dismissal: 8,
  blocked: 16,
  /** The platform of the delivery has no dismissals. No counter changes. */
  noDismissals: 32,
} as const;

/** One update for each delivery, in the order of their numbers: rows are locked in that order everywhere. */
export function updatesOf(receipts: readonly IndexedReceipt[], since: number): DeliveryUpdate[] {
  const byNumber = new Map<number, DeliveryUpdate>();
  for (const receipt of receipts) {
    let update = byNumber.get(receipt.deliveryNo);
    if (update === undefined) {
      update = emptyUpdate(receipt.deliveryNo);
      byNumber.set(receipt.deliveryNo, update);
    }
    addTo(update, receipt, Math.max(receipt.at, since));
  }
  return [...byNumber.values()].sort((a, b) => a.deliveryNo - b.deliveryNo);
}

function emptyUpdate(deliveryNo: number): DeliveryUpdate {
  return {
    deliveryNo,
    deliveredAt: null,
    impressionAt: null,
    openAt: null,
    dismissedAt: null,
    blocked: false,
    receipts: [],
  };
}

function addTo(update: DeliveryUpdate, receipt: IndexedReceipt, at: number): void {
  update.receipts.push(receipt);
  switch (receipt.kind) {
    case 'dismissal':
      update.dismissedAt = earlier(update.dismissedAt, at);
      return;
    case 'impression':
      update.impressionAt = earlier(update.impressionAt, at);
      break;
    case 'open':
      update.openAt = earlier(update.openAt, at);
      break;
    case 'delivered':
      update.blocked ||= receipt.blocked;
  }
  update.deliveredAt = earlier(update.deliveredAt, at);
}

function earlier(time: number | null, at: number): number {
  return time === null || at < time ? at : time;
}

/**
 * Gives each receipt of a delivery its result. Among several that report the same, the earliest is the one
 * that counted. `changes` is undefined when there is no such delivery. `isNewTap` answers true once for each
 * new event.
 */
export function resultsOf(
  { receipts }: DeliveryUpdate,
  changes: number | undefined,
  isNewTap: (receipt: IndexedReceipt) => boolean,
  setResult: (receipt: IndexedReceipt, result: ReceiptResult) => void,
): void {
  if (changes === undefined) {
    for (const receipt of receipts) setResult(receipt, 'unknown');
    return;
  }
  let left = changes;
  const consume = (bit: number): boolean => {
    const isNew = (left & bit) !== 0;
    left &= ~bit;
    return isNew;
  };
  const ordered = receipts.length === 1 ? receipts : receipts.toSorted((a, b) => a.at - b.at);
  for (const receipt of ordered) {
    const { kind } = receipt;
    if (kind === 'dismissal' && (changes & CHANGE.noDismissals) !== 0) {
      setResult(receipt, 'not_supported');
      continue;
    }
    // Each line consumes what the receipt brought, so none of them may be skipped.
    const isDelivery = consume(CHANGE.delivered);
    const isFirst = kind !== 'delivered' && consume(BIT_OF[kind]);
    const isBlock = kind === 'delivered' && receipt.blocked && consume(CHANGE.blocked);
    const isTap = kind === 'open' && isNewTap(receipt);
    setResult(receipt, isDelivery || isFirst || isBlock || isTap ? 'counted' : 'duplicate');
  }
}

const BIT_OF: Readonly<Record<Exclude<ReceiptKind, 'delivered'>, number>> = {
  impression: CHANGE.impression,
  open: CHANGE.open,
  dismissal: CHANGE.dismissal,
};
