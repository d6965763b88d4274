/**
 * Limits the devices that the leases of one process have marked in flight, or are about to mark, and that no
 * push service has. Such a device is not written yet, or was certainly not processed and is not yet settled
 * as that.
 */
export interface InFlightBudget {
  /**
   * Reserves as many of the requested devices as fit. Reserves none when the rest is too small to be worth a
   * statement, and calls `whenFree` once as soon as there is enough.
   */
  reserve(requested: number, whenFree: () => void): number;
  /** Releases devices that were written or never will be. */
  release(count: number): void;
  /** The reservation of one device on its way to the push service. */
  reservation(): Reservation;
}

export interface Reservation {
  /** Releases a device that was written or never will be. A second call changes nothing. */
  release(): void;
  /** Counts the device again, even beyond the limit, because it was certainly not processed. */
  reclaim(): void;
}

/**
 * A killed process leaves these devices ambiguous although no push service ever saw them. A process
 * never leaves more than 256 ambiguous devices, with any number of leases. The other 16 are for requests that
 * were written and are lost with a connection.
 */
const MAX_UNWRITTEN = 240;
/** The lower limit while a closing connection gives devices back, because these come on top of the limit. */
const MAX_WHILE_RECLAIMING = 160;
const RECLAIMING_MS = 10_000;
/**
 * A statement costs as much as sending dozens of messages. A few leases therefore claim many devices each in
 * turn, instead of all leases a few.
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

/** The part of the process's budget that one lease holds. */
export interface LeaseBudget {
  /** How many of the requested devices are reserved now. Devices held from before count. */
  reserve(requested: number): number;
  /**
   * Keeps the claimed devices, which are released one by one as they are written, and releases the rest now.
   */
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
