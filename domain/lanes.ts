/** Leases of one push under way at once: enough to fill the connections of a worker, few enough to leave room for others. */
export const LANES = 4;
