export const DEFAULTS = {
  maxSessions: 4,
  /** Streams per session, however many the peer allows. FCM closes a connection that goes above 100. */
  maxStreams: 100,
  /** Requests per session; the IDs of its streams end at 2^31. */
  maxRequests: 2 ** 30 - 1,
  /** Without an answer for so long a written request is lost. */
  deadlineMs: 10_000,
  /** Waiting for a free stream for so long a request is given back. */
  queueMs: 1_000,
  connectMs: 5_000,
  /** How often a connection with open streams, or none, has to show that it lives. */
  pingBusyMs: 2_000,
  pingIdleMs: 60_000,
  pingTimeoutMs: 3_000,
  sweepMs: 200,
};

export type H2PoolOptions = Partial<typeof DEFAULTS>;
