/**
 * Devices that the leases of one process have marked in flight, or are about to, and that no push service has: not
 * written yet, or surely not processed and not yet settled as that.
 */
export interface Unwritten {
  /** How many of the wish may be added; none when so few are left that a claim is not worth its statement: then `whenFree` is called later, once. */
  take(wish: number, whenFree: () => void): number;
  /** They were written, or will not be. */
  free(count: number): void;
  /** Of one of them. */
  leaving(): Leaving;
}

export interface Leaving {
  /** It was written, or never will be. */
  left(): void;
  /** It surely was not processed: it counts again, even beyond the limit. */
  returned(): void;
}

/**
 * A process that is killed leaves them ambiguous though no push service ever saw them: never more than 256,
 * however many leases it holds. The rest of the 256 is for what was written and is lost with the connection.
 */
const MAX_UNWRITTEN = 240;
/** What a connection that goes away gives back comes on top: while some do, fewer are claimed. */
const MAX_WHILE_RETURNED = 160;
const RETURNED_MS = 10_000;
/** A statement costs as much as sending dozens of messages: few leases claim many each, in turn, rather than all of them a few. */
export const WORTH_A_CLAIM = 128;

export function createUnwritten(limit: number = MAX_UNWRITTEN): Unwritten {
  const waiting = new Set<() => void>();
  let count = 0;
  let cautiousUntil = 0;
  const limitNow = () => (performance.now() < cautiousUntil ? Math.min(limit, MAX_WHILE_RETURNED) : limit);
  const left = () => limitNow() - count;
  const unwritten: Unwritten = {
    take(wish, whenFree) {
      const most = Math.min(wish, left());
      const taken = most < Math.min(wish, WORTH_A_CLAIM) ? 0 : Math.max(0, most);
      count += taken;
      if (taken === 0 && wish > 0) waiting.add(whenFree);
      return taken;
    },
    free(freed) {
      count -= freed;
      if (waiting.size === 0 || left() < WORTH_A_CLAIM) return;
      // Whoever waits longest is asked first, and so takes first.
      const rings = [...waiting];
      waiting.clear();
      for (const ring of rings) ring();
    },
    leaving() {
      let isUnwritten = true;
      return {
        left() {
          if (isUnwritten) unwritten.free(1);
          isUnwritten = false;
        },
        returned() {
          if (!isUnwritten) count++;
          cautiousUntil = performance.now() + RETURNED_MS;
          isUnwritten = true;
        },
      };
    },
  };
  return unwritten;
}

/** What one lease holds of the process's room. */
export interface Room {
  /** How much of the wish it has now; what it held before counts. */
  take(wish: number): number;
  /** So much was used, and is freed by whoever used it; the rest is free again. */
  leave(used: number): void;
}

export function createRoom(unwritten: Unwritten, whenFree: () => void): Room {
  let held = 0;
  return {
    take(wish) {
      held += unwritten.take(Math.max(0, wish - held), whenFree);
      return Math.min(wish, held);
    },
    leave(used) {
      unwritten.free(held - used);
      held = 0;
    },
  };
}
