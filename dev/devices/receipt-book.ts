import type { ReceiptKind } from '../../domain/receipt.ts';
import type { Reaction } from './reaction.ts';

/** What one device's receipts of one message have said so far. */
export interface DeviceStory {
  readonly messageId: string;
  readonly platform: 'ios' | 'android';
  readonly told: Set<ReceiptKind | 'blocked' | `open ${string}`>;
}

/** How the API has to answer a receipt. */
export type AnswerKind = 'accepted' | 'unknown' | 'not_supported' | 'late' | 'error';

/** What the engine has to count of the receipts that were posted. */
export interface ReceiptFigures {
  /** Android devices of which any receipt came. */
  readonly delivered: number;
  readonly impressions: number;
  readonly opens: number;
  readonly taps: number;
  readonly dismissals: number;
  readonly blocked: number;
}

/** Keeps the count that the engine has to reach, by the product's rules and on its own. */
export class ReceiptBook {
  readonly #figures = { delivered: 0, impressions: 0, opens: 0, taps: 0, dismissals: 0, blocked: 0 };

  get figures(): ReceiptFigures {
    return { ...this.#figures };
  }

  enter({ platform, told }: DeviceStory, { kind, eventId, blocked }: Reaction): AnswerKind {
    if (platform === 'ios' && kind === 'dismissal') return 'not_supported';
    const figures = this.#figures;
    // Any receipt implies delivery.
    if (first(told, 'delivered') && platform === 'android') figures.delivered++;
    if (blocked && first(told, 'blocked')) figures.blocked++;
    if (kind === 'impression' && first(told, kind)) figures.impressions++;
    if (kind === 'dismissal' && first(told, kind)) figures.dismissals++;
    if (kind === 'open') {
      if (first(told, kind)) figures.opens++;
      if (first(told, `open ${eventId}`)) figures.taps++;
    }
    return 'accepted';
  }
}

function first<T>(told: Set<T>, what: T): boolean {
  if (told.has(what)) return false;
  told.add(what);
  return true;
}
