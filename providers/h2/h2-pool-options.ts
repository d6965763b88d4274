import type { Http2Client } from '../connection/h2-connection.ts';

export const DEFAULTS = {
  client: 'own' as Http2Client,
  maxSessions: 4,
  /** Streams per session, however many the peer allows. FCM closes a connection that goes above 100. */
  maxStreams: 100,
  /** Requests per session; the IDs of its streams end at 2^31. */
  maxRequests: 2 ** 30 - 1,
  /** A written request without an answer for this long has an unknown result. */
  deadlineMs: 10_000,
  /** A request that waits for a free stream for this long is given back. */
  queueMs: 1_000,
  connectMs: 5_000,
  /** Keepalive interval of a connection with open streams, and of an idle one. */
  pingBusyMs: 2_000,
  pingIdleMs: 60_000,
  pingTimeoutMs: 3_000,
  sweepMs: 200,
};

export type H2PoolOptions = Partial<typeof DEFAULTS>;
