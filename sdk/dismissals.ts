/** Notifications closed within this time of each other were cleared together, and none of them counts. */
export const CLEAR_ALL_MS = 500;

/** A notification that was closed, held until it is certain whether it was closed alone. */
export interface Closing {
  readonly id: string;
  readonly messageId: string;
  readonly at: number;
  /** Another notification was closed at nearly the same time. */
  isTogether: boolean;
}

/** Removes from `held` the closings that can be decided, and returns those that were alone. */
export function decideClosings(held: Closing[], now: number): { alone: Closing[]; held: Closing[] } {
  const sorted = [...held].sort((a, b) => a.at - b.at);
  for (const [index, closing] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || next.at - closing.at > CLEAR_ALL_MS) continue;
    closing.isTogether = true;
    next.isTogether = true;
  }
  const isDecided = (closing: Closing) => Math.abs(now - closing.at) > CLEAR_ALL_MS;
  return {
    alone: sorted.filter((closing) => isDecided(closing) && !closing.isTogether),
    held: sorted.filter((closing) => !isDecided(closing)),
  };
}
