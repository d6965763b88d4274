import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** A body of unknown length counts as the longest that is taken. */
const UNKNOWN_BYTES = 1_048_576;
/** Who sends a body slower than this only keeps others out. */
const BODY_MS = 15_000;
const RETRY_AFTER_SECONDS = 2;

export interface Gate {
  /** As `onRequest` of a route, after the guard. */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

/**
 * Bounds what is in memory: the bodies of all requests that are being read or wait for their commit. Beyond it requests
 * are refused before their bodies are read, and told when to come again.
 */
export function createGate(maxBytes: number): Gate {
  let admitted = 0;
  return {
    async admit({ headers, raw }, reply) {
      const bytes = Math.min(Number(headers['content-length'] ?? UNKNOWN_BYTES) || 0, UNKNOWN_BYTES);
      if (admitted > 0 && admitted + bytes > maxBytes) {
        throw new Problem(
          'unavailable',
          'More reports are waiting than can be held; report these again later',
          {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          },
        );
      }
      admitted += bytes;
      const slow = setTimeout(() => {
        if (!raw.complete) raw.destroy();
      }, BODY_MS).unref();
      reply.raw.once('close', () => {
        admitted -= bytes;
        clearTimeout(slow);
      });
    },
  };
}
