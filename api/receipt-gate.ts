import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** A body of unknown length counts as the longest that is taken. */
const UNKNOWN_BYTES = 1_048_576;
/** Who sends a body slower than this only keeps others out. */
const BODY_MS = 15_000;
/** Who has taken so long makes way for others where there is no room. */
const MAKES_WAY_MS = 2_000;
const RETRY_AFTER_SECONDS = 2;

export interface Gate {
  /** As `onRequest` of a route, after the guard. */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

/**
 * Bounds what is in memory: the bodies of all requests that are being read or wait for their commit. Beyond it requests
 * are refused before their bodies are read, and told when to come again.
 */
interface Admitted {
  readonly bytes: number;
  readonly at: number;
  readonly raw: FastifyRequest['raw'];
}

export function createGate(maxBytes: number): Gate {
  /** Oldest first. */
  const admitted = new Set<Admitted>();
  let waiting = 0;

  function leave(one: Admitted): void {
    if (admitted.delete(one)) waiting -= one.bytes;
  }

  function makeWay(bytes: number): void {
    const since = performance.now() - MAKES_WAY_MS;
    for (const one of admitted) {
      if (one.at > since || waiting + bytes <= maxBytes) return;
      if (one.raw.complete) continue;
      leave(one);
      one.raw.destroy();
    }
  }

  return {
    async admit({ headers, raw }, reply) {
      const bytes = Math.min(Number(headers['content-length'] ?? UNKNOWN_BYTES) || 0, UNKNOWN_BYTES);
      makeWay(bytes);
      if (waiting > 0 && waiting + bytes > maxBytes) {
        throw new Problem(
          'unavailable',
          'More reports are waiting than can be held; report these again later',
          {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          },
        );
      }
      const one = { bytes, at: performance.now(), raw };
      admitted.add(one);
      waiting += bytes;
      const slow = setTimeout(() => {
        if (!raw.complete) raw.destroy();
      }, BODY_MS).unref();
      reply.raw.once('close', () => {
        leave(one);
        clearTimeout(slow);
      });
    },
  };
}
