import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { UploadContent } from '../../db/schema/schema.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Measures the file that the request streams. Null when the request holds no idempotency key. */
    contentMeter: ContentMeter | null;
  }
}

export interface ContentMeter {
  add(chunk: Buffer): void;
  content(): UploadContent;
}

/** Hashes the bytes from one offset of the file on. The chunks begin at the request's own offset. */
export function createMeter(request: FastifyRequest, from = offsetOf(request)): ContentMeter {
  const hash = createHash('sha256');
  let to = offsetOf(request);
  return {
    add(chunk) {
      hash.update(chunk.subarray(Math.max(0, from - to)));
      to += chunk.length;
    },
    content: () => ({ from, to, hash: hash.copy().digest('base64') }),
  };
}

/**
 * Reads the body. Whether its bytes are those of a file that was taken before, which the request then stands for.
 */
export async function sendsAgain(request: FastifyRequest, taken: UploadContent): Promise<boolean> {
  const meter = createMeter(request, taken.from);
  const stream = request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of stream) meter.add(chunk);
  const sent = meter.content();
  // The rest of a file that is stored as a whole is empty.
  const isEmptyRest = offsetOf(request) === taken.to;
  const isSame = sent.to === taken.to && (sent.hash === taken.hash || isEmptyRest);
  if (isSame && request.contentMeter !== null) request.contentMeter.content = () => taken;
  return isSame;
}

function offsetOf({ headers }: FastifyRequest): number {
  return Number(headers['upload-offset'] ?? 0);
}
