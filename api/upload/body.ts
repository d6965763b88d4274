import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../app.ts';
import { Problem } from '../problem.ts';

/** The limit of one upload. */
export const UPLOAD_BYTES = 1_073_741_824;

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';
export const TEXT = 'text/plain';

/** Hands the stream itself to the routes of this scope: nothing is buffered. */
export function acceptStreams(app: App, types: string[]): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(types, (request, payload, done) => {
    const fault = tooLargeByHeader(request);
    if (fault === undefined) done(null, payload);
    else done(fault);
  });
}

/** In the OpenAPI document; the stream itself passes unchecked. */
export function uploadBody(...consumes: string[]) {
  return {
    consumes,
    body: z.unknown().meta({ type: 'string', description: `A file of ${consumes.join(' or ')}` }),
  };
}

export function contentTypeOf(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The body's bytes, cut off with 413 as soon as they pass the limit. */
export async function* bytesOf(request: FastifyRequest): AsyncGenerator<Buffer> {
  let size = 0;
  // Not destroyed when reading stops early: the socket still has to carry the answer.
  const stream = request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > UPLOAD_BYTES) throw tooLarge();
    yield chunk;
  }
}

function tooLargeByHeader(request: FastifyRequest): Problem | undefined {
  return Number(request.headers['content-length'] ?? 0) > UPLOAD_BYTES ? tooLarge() : undefined;
}

function tooLarge(): Problem {
  return new Problem('payload_too_large', `An upload is at most ${UPLOAD_BYTES} bytes; split the file`);
}
