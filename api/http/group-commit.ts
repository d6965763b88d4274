import { createLimiter } from './limit-concurrency.ts';

export interface GroupCommit<Item, Result> {
  /** Groups that are written at the same time. */
  readonly concurrency: number;
  /** The largest group; a single item may be larger. */
  readonly maxGroupSize: number;
  /**
   * The largest total size of the items that wait or are being written. Items beyond it are refused. Unlimited
   * when omitted.
   */
  readonly capacity?: { readonly maxSize: number; readonly refuse: () => Error };
  readonly sizeOf: (item: Item) => number;
  /** Only items of the same key share a group. */
  readonly keyOf: (item: Item) => string;
  /**
   * Writes a group and returns the result of each item, in order. Groups that are written at the same time have
   * different lanes.
   */
  readonly write: (items: readonly Item[], lane: number) => Promise<readonly Result[]>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Items that arrive during a write form the next group, so that many small items cost few commits. An item that
 * finds a free lane is written at once. Each promise settles when the item's group is committed.
 */
export function createGroupCommit<Item, Result>(
  options: GroupCommit<Item, Result>,
): (item: Item) => Promise<Result> {
  const { concurrency, capacity, sizeOf } = options;
  const waiting: Waiting<Item, Result>[] = [];
  const freeLanes = Array.from({ length: concurrency }, (_, lane) => lane);
  const limit = createLimiter(concurrency);
  let size = 0;

  async function writeNext(): Promise<void> {
    const group = takeGroup(waiting, options);
    const lane = freeLanes.pop();
    if (group.length > 0 && lane !== undefined) await writeGroup(group, options, lane);
    if (lane !== undefined) freeLanes.push(lane);
    for (const { item } of group) size -= sizeOf(item);
  }

  return (item) => {
    if (capacity !== undefined && size + sizeOf(item) > capacity.maxSize) throw capacity.refuse();
    size += sizeOf(item);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    waiting.push({ item, resolve, reject });
    void limit(writeNext);
    return promise;
  };
}

/** Removes the oldest item from the queue, and those after it that fit into the same group. */
function takeGroup<Item, Result>(
  waiting: Waiting<Item, Result>[],
  { maxGroupSize, keyOf, sizeOf }: GroupCommit<Item, Result>,
): Waiting<Item, Result>[] {
  const [first] = waiting;
  if (first === undefined) return [];
  const group: Waiting<Item, Result>[] = [];
  const rest: Waiting<Item, Result>[] = [];
  let size = 0;
  for (const one of waiting.splice(0)) {
    const fits = keyOf(one.item) === keyOf(first.item) && size + sizeOf(one.item) <= maxGroupSize;
    if (group.length > 0 && !fits) rest.push(one);
    else {
      group.push(one);
      size += sizeOf(one.item);
    }
  }
  waiting.push(...rest);
  return group;
}

/** Never rejects. An error rejects the promise of each item of the group. */
async function writeGroup<Item, Result>(
  group: readonly Waiting<Item, Result>[],
  { write }: GroupCommit<Item, Result>,
  lane: number,
): Promise<void> {
  const items = group.map(({ item }) => item);
  try {
    const results = await write(items, lane);
    for (const [index, { resolve, reject }] of group.entries()) {
      if (index in results) resolve(results[index] as Result);
      else reject(new Error('the write of a group returned no result for one of its items'));
    }
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}
