import { remainingWait } from './retry.ts';
import { BATCH_ITEMS, type Item, type State } from './state.ts';
import { eventWork, receiptWork, type Work } from './work.ts';

/**
 * Unanswered items of this page, kept in memory. A page that unloads cannot wait for its storage, so these
 * items are sent without a look at the storage.
 */
export interface UnloadQueue {
  add(item: Item): void;
  drop(item: Item): void;
  markStored(item: Item): void;
  /** Drops the stored items that have left the outbox; another tab may have sent them. */
  dropAnswered(state: State, now: number): void;
  requests(now: number): Work[];
}

export function createUnloadQueue(): UnloadQueue {
  let items: { readonly item: Item; isStored: boolean }[] = [];
  let device: State['device'] = null;
  let isPutOff = false;
  return {
    add: (item) => {
      items.push({ item, isStored: false });
    },
    drop: (item) => {
      items = items.filter((known) => known.item !== item);
    },
    markStored: (item) => {
      for (const known of items) known.isStored ||= known.item === item;
    },
    dropAnswered: (state, now) => {
      const waiting = new Set(state.outbox.map(({ id }) => id));
      items = items.filter(({ item, isStored }) => !isStored || waiting.has(item.id));
      device = state.device;
      isPutOff = remainingWait(state.notBefore, now) > 0;
    },
    requests: (now) => {
      if (isPutOff) return [];
      const state = { outbox: items.map(({ item }) => item), batchSize: BATCH_ITEMS, device };
      return [receiptWork(state, now), eventWork(state, now)].filter((work) => work !== undefined);
    },
  };
}
