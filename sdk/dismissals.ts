/** Notifications closed within so short a time of each other were cleared together: none of them counts. */
export const CLEAR_ALL_MS = 500;

/** A notification that was closed, held until it is certain whether it was closed alone. */
export interface Closing {
  readonly id: string;
  readonly messageId: string;
  readonly at: number;
  /** Another one was closed at nearly the same time. */
  isTogether: boolean;
}

/** Takes out of `held` what can be decided, and answers those that were closed one by one. */
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
