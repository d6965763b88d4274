export const RECEIPT_KINDS = ['delivered', 'impression', 'open', 'dismissal'] as const;
export type ReceiptKind = (typeof RECEIPT_KINDS)[number];

/** The reporter: the app on the device, or the service that carried the message. */
export const RECEIPT_SOURCES = ['sdk', 'vendor'] as const;
export type ReceiptSource = (typeof RECEIPT_SOURCES)[number];

/** A receipt whose message ID was verified. */
export interface Receipt {
  readonly pushNo: number;
  readonly deliveryNo: number;
  readonly kind: ReceiptKind;
  /** Made once on the device. Taps are counted by this ID. */
  readonly eventId: string;
  /** On the server's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** Delivered, but not shown, because the user turned notifications off. */
  readonly blocked: boolean;
}

/** The result of a receipt. `late` is counted separately. `unknown`: the app has no such delivery. */
export const RECEIPT_RESULTS = ['counted', 'duplicate', 'late', 'unknown', 'not_supported'] as const;
export type ReceiptResult = (typeof RECEIPT_RESULTS)[number];
