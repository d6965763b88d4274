export const RECEIPT_KINDS = ['delivered', 'impression', 'open', 'dismissal'] as const;
export type ReceiptKind = (typeof RECEIPT_KINDS)[number];

/** Who reports: the app on the device, or the service that carried the message. */
export const RECEIPT_SOURCES = ['sdk', 'vendor'] as const;
export type ReceiptSource = (typeof RECEIPT_SOURCES)[number];

/** A receipt whose message ID was verified. */
export interface Receipt {
  readonly pushNo: number;
  readonly deliveryNo: number;
  readonly kind: ReceiptKind;
  /** Made once on the device; taps are counted by it. */
  readonly eventId: string;
  /** On the server's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** Delivered, but not shown: the user switched notifications off. */
  readonly blocked: boolean;
}

/** What became of a receipt. `late` is counted apart; `unknown` has no delivery of the app. */
export const RECEIPT_RESULTS = ['counted', 'duplicate', 'late', 'unknown', 'not_supported'] as const;
export type ReceiptResult = (typeof RECEIPT_RESULTS)[number];
