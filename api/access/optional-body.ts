import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A request without a body means an empty object. */
    isOptionalBody?: boolean;
  }
}

interface Bodied {
  readonly consumes?: readonly string[];
  readonly body?: z.ZodType;
}

export function takesFiles({ consumes }: Bodied): boolean {
  return consumes !== undefined;
}

/** Whether all fields of the body are optional. */
export function needsNoBody(schema: Bodied): boolean {
  return !takesFiles(schema) && schema.body?.safeParse({}).success === true;
}

export async function assumeEmptyBody(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {};
}

/** Many clients name a type although they send no body. */
export async function ignoreTypeOfNothing({ headers }: FastifyRequest): Promise<void> {
  if (headers['content-length'] === '0') delete headers['content-type'];
}
