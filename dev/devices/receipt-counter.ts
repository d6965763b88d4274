import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import type { Reaction } from './reaction.ts';

/** The events that the receipts of one device have reported for one message so far. */
export interface DeviceReceipts {
  readonly messageId: string;
  readonly platform: 'ios' | 'android';
  readonly reported: Set<ReceiptKind | 'blocked' | `open ${string}`>;
}

/** The expected answer of the API to a receipt. */
export type AnswerKind = 'accepted' | 'unknown' | 'not_supported' | 'late' | 'error';

/** The figures that the engine has to count from the posted receipts. */
export interface ReceiptFigures {
  /** Android devices that sent any receipt. */
  readonly delivered: number;
  readonly impressions: number;
  readonly opens: number;
  readonly taps: number;
  readonly dismissals: number;
  readonly blocked: number;
}

/** Counts by the product's rules, but without its code, so that the engine's figures can be checked. */
export class ReceiptCounter {
  readonly #figures = { delivered: 0, impressions: 0, opens: 0, taps: 0, dismissals: 0, blocked: 0 };

  get figures(): ReceiptFigures {
    return { ...this.#figures };
  }

  count({ platform, reported }: DeviceReceipts, { kind, eventId, blocked }: Reaction): AnswerKind {
    if (platform === 'ios' && kind === 'dismissal') return 'not_supported';
    const figures = this.#figures;
    // Any receipt implies delivery.
    if (first(reported, 'delivered') && platform === 'android') figures.delivered++;
    if (blocked && first(reported, 'blocked')) figures.blocked++;
    if (kind === 'impression' && first(reported, kind)) figures.impressions++;
    if (kind === 'dismissal' && first(reported, kind)) figures.dismissals++;
    if (kind === 'open') {
      if (first(reported, kind)) figures.opens++;
      if (first(reported, `open ${eventId}`)) figures.taps++;
    }
    return 'accepted';
  }
}

function first<T>(reported: Set<T>, what: T): boolean {
  if (reported.has(what)) return false;
  reported.add(what);
  return true;
}
