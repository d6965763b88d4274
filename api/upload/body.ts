import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { App } from '../http/deps.ts';
import { createLimiter, type Limiter } from '../http/limit-concurrency.ts';
import { Problem } from '../http/problem.ts';
import { wrongMediaType } from '../http/problem-handler.ts';
import { type OpenFile, openFile, resumedFile } from './file-opening.ts';
import type { Format } from './rows.ts';
import { tooLarge, UPLOAD_BYTES } from './upload-limit.ts';

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';
export const TEXT = 'text/plain';

/** The content types that are taken, by what their files hold. Programs name CSV in many ways. */
const FORMATS: ReadonlyMap<string, Format> = new Map([
  [CSV, 'csv'],
  [TEXT, 'text'],
  [NDJSON, 'ndjson'],
  ['application/csv', 'csv'],
  ['text/x-csv', 'csv'],
  ['application/x-csv', 'csv'],
  ['text/comma-separated-values', 'csv'],
  ['text/tab-separated-values', 'csv'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  ['application/x-jsonlines', 'ndjson'],
  ['application/jsonlines', 'ndjson'],
  ['application/vnd.ms-excel', 'any'],
  ['application/octet-stream', 'any'],
  ['application/gzip', 'any'],
  ['application/x-gzip', 'any'],
]);

/** Makes the routes of this scope receive the stream itself, without buffering. */
export function acceptStreams(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) => {
    const fault = tooLargeByHeader(request) ?? mediaFault(request);
    if (fault === undefined) done(null, payload);
    else done(fault);
  });
}

function mediaFault(request: FastifyRequest): Problem | undefined {
  const coding = contentCoding(request);
  if (coding !== 'identity' && coding !== 'gzip') {
    const detail = `"${coding}" is not taken; send gzip, or the file as it is`;
    const errors = [{ header: 'content-encoding', detail }];
    return new Problem('unsupported_media_type', 'A file may be compressed by gzip only', { errors });
  }
  return FORMATS.has(contentTypeOf(request)) ? undefined : wrongMediaType(request);
}

function contentCoding({ headers }: FastifyRequest): string {
  return (headers['content-encoding'] ?? 'identity').trim().toLowerCase().replace('x-gzip', 'gzip');
}

/** What the file of a request holds. A list of IDs is plain text. */
export function formatOf(request: FastifyRequest, plainText: 'text' | 'csv'): Format {
  const format = FORMATS.get(contentTypeOf(request)) ?? 'any';
  return format === 'text' ? plainText : format;
}

/** The file of the request, whose first `offset` bytes were read before. */
export async function fileOf(request: FastifyRequest, offset = 0): Promise<OpenFile> {
  const bytes = bytesOf(request, offset);
  if (offset > 0) return resumedFile(bytes);
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '') ?? [];
  return await openFile(bytes, { charset, isGzip: contentCoding(request) === 'gzip' });
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
async function* bytesOf({ raw, contentMeter }: FastifyRequest, offset = 0): AsyncGenerator<Buffer> {
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
