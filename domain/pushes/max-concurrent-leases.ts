/** Concurrent leases of one push. Four fill the connections of a worker and leave room for other pushes. */
export const MAX_CONCURRENT_LEASES = 4;
