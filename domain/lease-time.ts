/**
 * After a statement succeeded a sender holds its lease for so long, by its monotonic clock; it asks before every
 * request. Then nothing can start, whoever else has heard of it or not.
 */
export const LEASE_VALID_MS = 2000;

/** A holder that has not written for so long can start nothing any more; the difference is for clocks that disagree. */
export const LEASE_SILENT_MS = 2500;
