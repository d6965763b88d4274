import { remainingWait } from './retry.ts';
import { BATCH_ITEMS, type Item, type State } from './state.ts';
import { eventWork, receiptWork, type Work } from './work.ts';

/**
 * What this page said and nobody has answered yet. A page that goes away cannot wait for its storage: what it knows by
 * heart is sent at once.
 */
export interface LastWords {
  add(item: Item): void;
  stored(item: Item): void;
  /** What was answered since, also to other tabs, is forgotten. */
  compare(state: State, now: number): void;
  work(now: number): Work[];
}

export function createLastWords(): LastWords {
  let items: { readonly item: Item; isStored: boolean }[] = [];
  let device: State['device'] = null;
  let isPutOff = false;
  return {
    add: (item) => {
      items.push({ item, isStored: false });
    },
    stored: (item) => {
      for (const known of items) known.isStored ||= known.item === item;
    },
    compare: (state, now) => {
      const waiting = new Set(state.outbox.map(({ id }) => id));
      items = items.filter(({ item, isStored }) => !isStored || waiting.has(item.id));
      device = state.device;
      isPutOff = remainingWait(state.notBefore, now) > 0;
    },
    work: (now) => {
      if (isPutOff) return [];
      const state = { outbox: items.map(({ item }) => item), batchSize: BATCH_ITEMS, device };
      return [receiptWork(state, now), eventWork(state, now)].filter((work) => work !== undefined);
    },
  };
}
