import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { App } from '../http/deps.ts';
import { createLimiter, type Limiter } from '../http/limit-concurrency.ts';
import { Problem } from '../http/problem.ts';

/** The limit of one upload. */
export const UPLOAD_BYTES = 1_073_741_824;

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';
export const TEXT = 'text/plain';

/** Makes the routes of this scope receive the stream itself, without buffering. */
export function acceptStreams(app: App, types: string[]): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(types, (request, payload, done) => {
    const fault = tooLargeByHeader(request);
    if (fault === undefined) done(null, payload);
    else done(fault);
  });
}

/** The schema documents the upload; the stream itself is not checked. */
export function uploadBody(...consumes: string[]) {
  return {
    consumes,
    body: z.unknown().meta({ type: 'string', description: `A file of ${consumes.join(' or ')}` }),
  };
}

export function contentTypeOf(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

const STALLED_MS = 30_000;

/** The bytes of the body. A file beyond the limit is refused with 413, a stalled upload with 408. */
export async function* bytesOf({ raw, contentMeter }: FastifyRequest, offset = 0): AsyncGenerator<Buffer> {
  let size = offset;
  // The stream survives when reading stops early, because the socket still has to carry the answer.
  const stream = raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const giveUp = () =>
    raw.destroy(new Problem('request_timeout', `The upload sent no data for ${STALLED_MS / 1000} s`));
  let timer = setTimeout(giveUp, STALLED_MS);
  try {
    for await (const chunk of stream) {
      clearTimeout(timer);
      size += chunk.length;
      contentMeter?.add(chunk);
      if (size > UPLOAD_BYTES) throw tooLarge();
      yield chunk;
      timer = setTimeout(giveUp, STALLED_MS);
    }
  } finally {
    clearTimeout(timer);
  }
}

const limiters = new WeakMap<Pool, Limiter>();

/** An upload holds a database connection while it is sent, so uploads get a third of the pool at most. */
export async function limitUploads<Result>(pool: Pool, work: () => Promise<Result>): Promise<Result> {
  const limit = limiters.get(pool) ?? createLimiter(Math.max(1, Math.floor(pool.options.max / 3)), tooMany);
  limiters.set(pool, limit);
  return await limit(work);
}

function tooMany(): Problem {
  return new Problem('unavailable', 'Too many uploads are running; try again', { retryAfterSeconds: 10 });
}

function tooLargeByHeader(request: FastifyRequest): Problem | undefined {
  return Number(request.headers['content-length'] ?? 0) > UPLOAD_BYTES ? tooLarge() : undefined;
}

function tooLarge(): Problem {
  return new Problem(
    'payload_too_large',
    `The upload exceeds the limit of ${UPLOAD_BYTES} bytes; split the file`,
  );
}
