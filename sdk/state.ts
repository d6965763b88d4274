import type { DeviceState, PropertyValue } from './device-state.ts';
import type { Closing } from './dismissals.ts';
import { isSendable, sift } from './sift.ts';
import type { Tap } from './taps.ts';

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
  taps: Tap[];
  /** Number of items dropped from a full queue that `onError` was not told of yet. */
  dropped: number;
  /** Number of requests that failed in a row. Nothing is sent before `notBefore`. */
  failures: number;
  notBefore: number;
  isOffline: boolean;
  batchSize: number;
}

export const OUTBOX_ITEMS = 1_000;
/** AsyncStorage on Android cannot read a value of more than 2 MB. */
export const OUTBOX_CHARACTERS = 500_000;
/** An event with the most and longest properties that the server takes has half of it. */
export const ITEM_CHARACTERS = 60_000;
export const BATCH_ITEMS = 100;
/** Three bytes per character still stay below the 64 KiB that a closing page may send. */
export const BATCH_CHARACTERS = 20_000;

export function emptyState(): State {
  return {
    device: null,
    outbox: [],
    held: [],
    taps: [],
    dropped: 0,
    failures: 0,
    notBefore: 0,
    isOffline: false,
    batchSize: BATCH_ITEMS,
  };
}

/** The stored state. Damaged parts are replaced by empty ones, because an app must not fail for them. */
export function restoreState(stored: unknown): State {
  const state: State = { ...emptyState(), ...(Object(stored) as Partial<State>) };
  for (const list of ['outbox', 'held', 'taps'] as const) if (!Array.isArray(state[list])) state[list] = [];
  return state;
}

/** Adds items. The oldest are dropped when the queue is full. */
export function enqueue(state: State, items: readonly Item[]): void {
  state.outbox.push(...items);
  const excess = Math.max(state.outbox.length - OUTBOX_ITEMS, excessOfCharacters(state.outbox));
  if (excess <= 0) return;
  state.outbox.splice(0, excess);
  state.dropped += excess;
}

/** The number of oldest items for which there is no room. */
function excessOfCharacters(outbox: readonly Item[]): number {
  let excess = 0;
  let characters = charactersOf(outbox);
  while (characters > OUTBOX_CHARACTERS) characters -= charactersOf(outbox[excess++]) + 1;
  return excess;
}

/** An item in the form that a request can carry, or the reason why it never can be sent. */
export function checkItem(item: Item): { readonly item: Item; readonly reason?: string } {
  const { kept, faults } = sift(item.body, ['properties']);
  const checked = { ...item, body: kept } as Item;
  const reasons = faults.map(({ pointer, detail }) => `${pointer} ${detail}`);
  const characters = charactersOf(checked);
  if (characters > ITEM_CHARACTERS)
    reasons.push(`has ${characters} characters as JSON: at most ${ITEM_CHARACTERS} can be sent`);
  return reasons.length === 0 ? { item: checked } : { item: checked, reason: reasons.join('; ') };
}

/** Removes the items that an earlier version stored and no request can carry. One of them blocks all others. */
export function takeUnsendable(state: State): { readonly item: Item; readonly reason: string }[] {
  const isFit = (item: Item) => typeof item?.id === 'string' && isSendable(item.body);
  const unfit = state.outbox.filter((item) => !isFit(item));
  if (unfit.length > 0) state.outbox = state.outbox.filter(isFit);
  return unfit.map((item) => {
    const body = Object(item?.body) as Item['body'];
    const { item: checked, reason } = checkItem({ ...item, body } as Item);
    return { item: checked, reason: reason ?? 'is not an item: the stored queue was damaged' };
  });
}

/** Zero for what JSON cannot hold. */
function charactersOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return 0;
  }
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
