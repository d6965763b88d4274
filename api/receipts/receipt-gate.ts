import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.ts';

/** A body of unknown length counts as a body of the maximum length. */
const UNKNOWN_BYTES = 1_048_576;
/** A body that takes longer is cut off, to free its memory for others. */
const BODY_TIMEOUT_MS = 15_000;
/** A body that has been arriving for longer than this is evicted when there is no room for another. */
const EVICTABLE_AFTER_MS = 2_000;
const RETRY_AFTER_SECONDS = 2;

export interface Gate {
  /** A hook for `onRequest` of a route. */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

interface Admitted {
  readonly bytes: number;
  readonly at: number;
  readonly raw: FastifyRequest['raw'];
}

/**
 * Bounds the memory of all bodies that are being read or wait for their commit. Requests beyond the bound are
 * refused before their bodies are read, with a Retry-After.
 */
export function createGate(maxBytes: number): Gate {
  /** Oldest first. */
  const admitted = new Set<Admitted>();
  let waiting = 0;

  function release(one: Admitted): void {
    if (admitted.delete(one)) waiting -= one.bytes;
  }

  function evictSlow(bytes: number): void {
    const since = performance.now() - EVICTABLE_AFTER_MS;
    for (const one of admitted) {
      if (one.at > since || waiting + bytes <= maxBytes) return;
      if (one.raw.complete) continue;
      release(one);
      one.raw.destroy();
    }
  }

  return {
    async admit({ headers, raw }, reply) {
      const bytes = Math.min(Number(headers['content-length'] ?? UNKNOWN_BYTES) || 0, UNKNOWN_BYTES);
      evictSlow(bytes);
      if (waiting > 0 && waiting + bytes > maxBytes) {
        throw new Problem('unavailable', 'Too many reports are waiting: send this report again later', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      const one = { bytes, at: performance.now(), raw };
      admitted.add(one);
      waiting += bytes;
      const slow = setTimeout(() => {
        if (!raw.complete) raw.destroy();
      }, BODY_TIMEOUT_MS).unref();
      reply.raw.once('close', () => {
        release(one);
        clearTimeout(slow);
      });
    },
  };
}
