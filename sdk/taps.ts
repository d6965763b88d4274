/** A tap of the last minute. */
export interface Tap {
  readonly messageId: string;
  readonly at: number;
}

/** Reports of one message within this time are one tap: the worker tells it, and then the page that it opened. */
export const ONE_TAP_MS = 60_000;

/** Remembers the tap, and says whether it is a repetition. `taps` is the state of all tabs and of the worker. */
export function isRepeatedTap(state: { taps: Tap[] }, tap: Tap): boolean {
  state.taps = state.taps.filter(({ at }) => Math.abs(tap.at - at) < ONE_TAP_MS);
  if (state.taps.some(({ messageId }) => messageId === tap.messageId)) return true;
  state.taps.push(tap);
  return false;
}
