import type { DeviceState, PropertyValue } from './device-state.ts';
import type { Closing } from './dismissals.ts';

export type ReceiptKind = 'delivered' | 'impression' | 'open' | 'dismissal';

export interface ReceiptBody {
  readonly messageId: string;
  readonly kind: ReceiptKind;
  readonly eventId: string;
  readonly at: string;
  readonly blocked?: boolean;
}

export interface EventBody {
  readonly id: string;
  readonly name: string;
  readonly at: string;
  readonly properties?: Readonly<Record<string, PropertyValue>>;
}

/** An item that waits to be reported. Its ID is made once, so that a repeated report counts once. */
export type Item =
  | { readonly kind: 'receipt'; readonly id: string; readonly body: ReceiptBody }
  | { readonly kind: 'event'; readonly id: string; readonly body: EventBody };

/** The state that outlives a page, a worker or an app's process. */
export interface State {
  device: DeviceState | null;
  outbox: Item[];
  held: Closing[];
  /** Number of items dropped from a full queue that `onError` was not told of yet. */
  dropped: number;
  /** Number of requests that failed in a row. Nothing is sent before `notBefore`. */
  failures: number;
  notBefore: number;
  isOffline: boolean;
  batchSize: number;
}

export const OUTBOX_ITEMS = 1_000;
export const BATCH_ITEMS = 100;
/** Three bytes per character still stay below the 64 KiB that a closing page may send. */
export const BATCH_CHARACTERS = 20_000;

export function emptyState(): State {
  return {
    device: null,
    outbox: [],
    held: [],
    dropped: 0,
    failures: 0,
    notBefore: 0,
    isOffline: false,
    batchSize: BATCH_ITEMS,
  };
}

/** Adds items. The oldest are dropped when the queue is full. */
export function enqueue(state: State, items: readonly Item[]): void {
  state.outbox.push(...items);
  const excess = state.outbox.length - OUTBOX_ITEMS;
  if (excess <= 0) return;
  state.outbox.splice(0, excess);
  state.dropped += excess;
}

/** The oldest items of a kind that fit in a request. */
export function batchOf<Kind extends Item['kind']>(
  { outbox, batchSize }: Pick<State, 'outbox' | 'batchSize'>,
  kind: Kind,
): Extract<Item, { kind: Kind }>[] {
  const isOfKind = (item: Item): item is Extract<Item, { kind: Kind }> => item.kind === kind;
  const batch: Extract<Item, { kind: Kind }>[] = [];
  let room = BATCH_CHARACTERS;
  for (const item of outbox.filter(isOfKind).slice(0, batchSize)) {
    room -= JSON.stringify(item.body).length;
    if (room < 0 && batch.length > 0) break;
    batch.push(item);
  }
  return batch;
}

export function removeItems(state: State, ids: ReadonlySet<string>): void {
  state.outbox = state.outbox.filter((item) => !ids.has(item.id));
}
