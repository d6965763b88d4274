import { afterEach } from 'vitest';
import { type H2Peer, type OnStream, openH2Peer } from '../dev/simulators/h2-peer.ts';
import type { Http2Client } from '../providers/connection/h2-connection.ts';
import { requestHead } from '../providers/connection/request-head.ts';
import type { Answer } from '../providers/h2/h2-exchange.ts';
import { H2Pool } from '../providers/h2/h2-pool.ts';
import type { H2PoolOptions } from '../providers/h2/h2-pool-options.ts';
import { ALWAYS_OPEN, type Endpoint, type Gate } from '../providers/push-service.ts';

const HEAD = requestHead([]);
const cleanups: (() => unknown)[] = [];

/** Registers a cleanup for the end of the test. The last one registered runs first. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function openPeer(onStream: OnStream, maxConcurrentStreams?: number): Promise<H2Peer> {
  const peer = await openH2Peer(onStream, maxConcurrentStreams);
  atEnd(() => peer.close());
  return peer;
}

/** Every behaviour that a pool relies on is tested with both. */
export const CLIENTS = ['own', 'node'] as const satisfies readonly Http2Client[];

export type OpenPool = (endpoint: Endpoint, options?: H2PoolOptions) => H2Pool;

export function openPoolWith(client: Http2Client): OpenPool {
  return (endpoint, options = {}) => {
    const pool = new H2Pool(endpoint, { client, sweepMs: 20, ...options });
    atEnd(() => pool.close());
    return pool;
  };
}

export function send(
  pool: H2Pool,
  path = '/',
  gate: Gate | (() => boolean) = ALWAYS_OPEN,
  body = '{}',
): Promise<Answer> {
  const whole = typeof gate === 'function' ? { ...ALWAYS_OPEN, mayStart: gate } : gate;
  return pool.request({ head: HEAD, path, body }, whole);
}

export function sendMany(pool: H2Pool, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => send(pool, `/${n}`)));
}
