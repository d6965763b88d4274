import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  claimIdempotencyKey,
  keepIdempotencyKey,
  releaseIdempotencyKey,
  settleIdempotencyKey,
} from '../../db/core/idempotency.ts';
import { MINUTE_MS } from '../../domain/duration.ts';
import type { ApiDeps } from './deps.ts';
import { Problem } from './problem.ts';
import { createMeter, sendsAgain } from './upload-content.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    idempotent?: true;
  }
  interface FastifyInstance {
    idempotency: Idempotency;
  }
  interface FastifyRequest {
    /** The idempotency key that this request holds. */
    idempotency: { scope: string; key: string; end: () => void } | null;
  }
}

const KEY = /^[\x21-\x7e]{8,255}$/;
const ABANDONED_MS = MINUTE_MS;
/** Uploads last longer than a key is held without a heartbeat. */
const HEARTBEAT_MS = 5_000;

/** Hooks of an idempotent route. A request that repeats an Idempotency-Key gets the first answer again. */
export type Idempotency = ReturnType<typeof createIdempotency>;

export function createIdempotency(deps: ApiDeps) {
  return {
    preHandler: async (request: FastifyRequest, reply: FastifyReply) => {
      const key = keyOf(request);
      if (key === undefined) return undefined;
      const scope = scopeOf(request);
      const claim = await claimIdempotencyKey(deps.db, {
        scope,
        key,
        requestHash: hashOf(request),
        now: await deps.clock(),
        abandonedAfterMs: ABANDONED_MS,
      });
      if (claim.state === 'done') {
        if (claim.content !== null && !(await sendsAgain(request, claim.content))) throw keyReused();
        return replay(reply, claim.status, deps.vault.open(claim.sealed));
      }
      if (claim.state !== 'claimed') throw refusal(claim.state);
      const isUpload = request.body instanceof Readable;
      if (isUpload) request.contentMeter = createMeter(request);
      request.idempotency = { scope, key, end: isUpload ? keep(deps, scope, key) : () => undefined };
      return undefined;
    },
    onSend: async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      if (request.idempotency === null) return payload;
      const { scope, key, end } = request.idempotency;
      request.idempotency = null;
      end();
      const isDone = reply.statusCode < 300 && typeof payload === 'string';
      if (!isDone) await releaseIdempotencyKey(deps.db, scope, key);
      else {
        const content = request.contentMeter?.content() ?? null;
        const sealed = deps.vault.seal(JSON.stringify({ payload, headers: keptHeaders(reply) }));
        const answer = { status: reply.statusCode, sealed, content };
        await settleIdempotencyKey(deps.db, { scope, key, ...answer });
      }
      return payload;
    },
  };
}

/**
 * Heartbeats continue until the work ends. The work may outlive the connection, because a body that was received
 * completely is processed anyway.
 */
function keep({ db, clock, log }: ApiDeps, scope: string, key: string): () => void {
  const beat = async () => keepIdempotencyKey(db, { scope, key, now: await clock() });
  const timer = setInterval(() => {
    beat().catch((error: unknown) =>
      log.warn({ err: error }, 'the heartbeat of an Idempotency-Key failed; its upload continues'),
    );
  }, HEARTBEAT_MS).unref();
  return () => clearInterval(timer);
}

/** Headers that belong to the answer of a creation. */
const KEPT_HEADERS = ['etag', 'location'] as const;

function keptHeaders(reply: FastifyReply): Record<string, string> {
  const kept = KEPT_HEADERS.filter((name) => reply.hasHeader(name));
  return Object.fromEntries(kept.map((name) => [name, String(reply.getHeader(name))]));
}

const Kept = z.object({ payload: z.string(), headers: z.record(z.string(), z.string()) });

function replay(reply: FastifyReply, status: number, stored: string): FastifyReply {
  const { payload, headers } = Kept.parse(JSON.parse(stored));
  return reply
    .code(status)
    .headers(headers)
    .header('idempotency-replayed', 'true')
    .type('application/json')
    .send(payload);
}

function refusal(state: 'in_progress' | 'mismatch'): Problem {
  return state === 'in_progress'
    ? new Problem('request_in_progress', 'A request with this Idempotency-Key is still running; try again', {
        retryAfterSeconds: 1,
      })
    : keyReused();
}

export function keyReused(): Problem {
  return new Problem(
    'idempotency_key_reused',
    'This Idempotency-Key was used for a different request; use a new key',
  );
}

function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && KEY.test(key)) return key;
  const errors = [{ header: 'idempotency-key', detail: 'must be 8 to 255 visible ASCII characters' }];
  throw new Problem('invalid_request', 'The request is not valid', { errors });
}

/** SDK keys are public, so devices and persons have separate scopes of replay. */
function scopeOf({ caller }: FastifyRequest): string {
  if (caller === null || caller.kind === 'admin') return '';
  return caller.kind === 'sdk' ? `sdk/${caller.appId}` : caller.appId;
}

/** The identity of a request. The bytes of an upload are compared once they are read. */
function hashOf({ body, headers, method, url }: FastifyRequest): Buffer {
  const isUpload = body instanceof Readable;
  const content = isUpload ? (headers['content-type'] ?? '') : (JSON.stringify(body) ?? '');
  return createHash('sha256').update(`${method}\n${url}\n`).update(content).digest();
}
