/**
 * Limits the devices that the leases of one process have marked in flight, or are about to mark, and that no push
 * service has: not written yet, or certainly not processed and not yet settled as that.
 */
export interface InFlightBudget {
  /**
   * Reserves as many of the requested devices as fit. Reserves none when the rest is too small to be worth a
   * statement: `whenFree` is called once, as soon as there is enough.
   */
  reserve(requested: number, whenFree: () => void): number;
  /** The devices were written, or will not be. */
  release(count: number): void;
  /** One device of those reserved, while it goes to its push service. */
  reservation(): Reservation;
}

export interface Reservation {
  /** The device was written, or never will be. A second call changes nothing. */
  release(): void;
  /** The device was certainly not processed: it counts again, even beyond the limit. */
  reclaim(): void;
}

/**
 * A killed process leaves these devices ambiguous although no push service ever saw them. There are never more than
 * 256 of them, with any number of leases. The rest of the 256 is for what was written and is lost with a connection.
 */
const MAX_UNWRITTEN = 240;
/** Devices that a closing connection gives back come on top of the limit, so that fewer are claimed meanwhile. */
const MAX_WHILE_RECLAIMING = 160;
const RECLAIMING_MS = 10_000;
/**
 * A statement costs as much as sending dozens of messages: in turn a few leases claim many devices each, instead of
 * all leases a few.
 */
export const MIN_CLAIM = 128;

export function createInFlightBudget(limit: number = MAX_UNWRITTEN): InFlightBudget {
  const waiting = new Set<() => void>();
  let count = 0;
  let reclaimingUntil = 0;
  const limitNow = () =>
    performance.now() < reclaimingUntil ? Math.min(limit, MAX_WHILE_RECLAIMING) : limit;
  const available = () => limitNow() - count;
  const budget: InFlightBudget = {
    reserve(requested, whenFree) {
      const most = Math.min(requested, available());
      const reserved = most < Math.min(requested, MIN_CLAIM) ? 0 : Math.max(0, most);
      count += reserved;
      if (reserved === 0 && requested > 0) waiting.add(whenFree);
      return reserved;
    },
    release(released) {
      count -= released;
      if (waiting.size === 0 || available() < MIN_CLAIM) return;
      // The longest waiting lease is called first, and so reserves first.
      const calls = [...waiting];
      waiting.clear();
      for (const call of calls) call();
    },
    reservation() {
      let isReserved = true;
      return {
        release() {
          if (isReserved) budget.release(1);
          isReserved = false;
        },
        reclaim() {
          if (!isReserved) count++;
          reclaimingUntil = performance.now() + RECLAIMING_MS;
          isReserved = true;
        },
      };
    },
  };
  return budget;
}

/** What one lease holds of the budget of its process. */
export interface LeaseBudget {
  /** How many of the requested devices are reserved now. What is held from before counts. */
  reserve(requested: number): number;
  /** The reserved devices that were claimed are released one by one, as they are written. The rest is released now. */
  commit(claimed: number): void;
}

export function createLeaseBudget(budget: InFlightBudget, whenFree: () => void): LeaseBudget {
  let held = 0;
  return {
    reserve(requested) {
      held += budget.reserve(Math.max(0, requested - held), whenFree);
      return Math.min(requested, held);
    },
    commit(claimed) {
      budget.release(held - claimed);
      held = 0;
    },
  };
}
