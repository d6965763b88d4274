/**
 * A sender holds its lease for this long after each statement that succeeded, by its monotonic clock. It checks that
 * before every request, so that after this time nothing starts, even if nobody told it to stop.
 */
export const LEASE_VALID_MS = 2000;

/** A holder that made no statement for this long can start nothing. The extra time allows for clocks that disagree. */
export const LEASE_SILENT_MS = 2500;
