import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import { LedgerMap } from './ledger-map.ts';

/** One bit for each kind of receipt of a delivery. */
export const SAID = { delivered: 1, impression: 2, open: 4, dismissal: 8, blocked: 16 } as const;

/** The API's answers to the receipts of one push, by delivery number. */
export interface Acknowledged {
  /** Bits of SAID that were accepted, and the distinct taps. */
  readonly said: Uint8Array;
  readonly taps: Uint8Array;
}

/** Remembers the content of each receipt that was answered 2xx. */
export class AcknowledgedReceipts {
  readonly #pushes: LedgerMap<Acknowledged>;
  /** Receipts of processed messages that the API refused. */
  readonly refused: string[] = [];
  accepted = 0;

  constructor(devices: number) {
    this.#pushes = new LedgerMap(() => ({
      said: new Uint8Array(devices + 1),
      taps: new Uint8Array(devices + 1),
    }));
  }

  of(pushNo: number): Acknowledged {
    return this.#pushes.of(pushNo);
  }

  accept(pushNo: number, deliveryNo: number, kind: ReceiptKind, blocked: boolean, isNewTap: boolean): void {
    const { said, taps } = this.of(pushNo);
    this.accepted++;
    said[deliveryNo] = (said[deliveryNo] ?? 0) | SAID.delivered | SAID[kind] | (blocked ? SAID.blocked : 0);
    if (isNewTap) taps[deliveryNo] = (taps[deliveryNo] ?? 0) + 1;
  }
}
