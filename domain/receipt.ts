export const RECEIPT_KINDS = ['delivered', 'impression', 'open', 'dismissal'] as const;
export type ReceiptKind = (typeof RECEIPT_KINDS)[number];

/** A receipt whose message ID was verified. */
export interface Receipt {
  readonly pushNo: number;
  readonly n: number;
  readonly kind: ReceiptKind;
  /** Made once on the device; taps are counted by it. */
  readonly eventId: string;
  /** On the server's clock. */
  readonly at: Date;
  /** Delivered, but not shown: the user switched notifications off. */
  readonly blocked: boolean;
}

/** What became of a receipt. `late` is counted apart; `unknown` has no delivery of the app. */
export type ReceiptResult = 'counted' | 'duplicate' | 'late' | 'unknown' | 'not_supported';
