/**
 * How long a sender holds its lease after each successful statement, by the sender's monotonic clock. The
 * sender checks the time before every request, so that no request starts after it, even without an
 * instruction to stop.
 */
export const LEASE_VALID_MS = 2000;

/** A holder silent for this long can start no request. The extra time allows for clocks that disagree. */
export const LEASE_SILENT_MS = 2500;
