/** Devices that the leases of one process have marked in flight, or are about to, and that are not written yet. */
export interface Unwritten {
  /** How many of the wish may be added; none when so few are left that a claim is not worth its statement. */
  take(wish: number): number;
  /** They were written, or will not be. */
  free(count: number): void;
}

/**
 * A process that is killed leaves them ambiguous though no push service ever saw them: never more than 256,
 * however many leases it holds. The rest of the 256 is for what was written and is lost with the connection.
 */
const MAX_UNWRITTEN = 192;
const LEAST = 64;

export function createUnwritten(limit: number = MAX_UNWRITTEN): Unwritten {
  let count = 0;
  return {
    take(wish) {
      const left = Math.min(wish, limit - count);
      const taken = left < Math.min(wish, LEAST) ? 0 : Math.max(0, left);
      count += taken;
      return taken;
    },
    free(freed) {
      count -= freed;
    },
  };
}
