import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.ts';
import { sendProblem } from '../http/problem-handler.ts';
import type { KnownMethods } from './known-methods.ts';

/** An address that has other methods answers 405 with them. */
export function createNotFoundHandler(methodsOf: KnownMethods) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const allowed = methodsOf(request);
    if (allowed.length === 0) {
      const detail = 'No route has this path; the reference at /docs lists all routes';
      return sendProblem(new Problem('not_found', detail), request, reply);
    }
    reply.header('allow', allowed.join(', '));
    const detail = `This path does not take ${request.method}; it takes ${allowed.join(', ')}`;
    return sendProblem(new Problem('method_not_allowed', detail), request, reply);
  };
}
