/** Leases of one push under way at once: enough to fill the connections of a worker, and few enough for other pushes. */
export const MAX_CONCURRENT_LEASES = 4;
