import type { IncomingMessage } from 'node:http';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { CursorError } from '../../db/core/paging.ts';
import { JSON_TYPE } from './json-body.ts';
import { PROBLEM_TYPE, Problem, renderProblem } from './problem.ts';
import { faultsOf } from './validation.ts';

/** Turns an error into a problem (RFC 9457). The text of an unforeseen error appears only in the log. */
export async function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error, request);
  if (problem.status >= 500) request.log.error({ err: error }, problem.message);
  return sendProblem(problem, request, reply);
}

export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { retryAfterSeconds } = problem.options;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (request.raw.complete === false) discardRest(request.raw);
  return reply.code(problem.status).type(PROBLEM_TYPE).send(renderProblem(problem, request.id));
}

const LINGER_MS = 2_000;

/**
 * Reads and drops an unwanted body for a moment before the connection ends. Closing at once would reset the
 * connection, and the sender would not receive the answer.
 */
function discardRest(message: IncomingMessage): void {
  message.resume();
  const close = () => {
    if (!message.complete) message.socket.destroy();
  };
  setTimeout(close, LINGER_MS).unref();
}

/** Problems can also be parts of an answer about several objects. */
export function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof Error)) return internal();
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = faultsOf(request, (error as Partial<FastifyError>).validationContext);
    return new Problem('invalid_request', 'The request is not valid', { errors });
  }
  if (error instanceof CursorError) {
    const errors = [{ parameter: 'cursor', detail: error.message }];
    return new Problem('invalid_request', 'The request is not valid', { errors });
  }
  if (request.raw.destroyed && request.raw.complete === false) {
    return new Problem('invalid_request', 'The connection ended before the body was complete');
  }
  if (isUnavailable(error)) {
    return new Problem('unavailable', 'The database or Temporal is not reachable; try again', {
      retryAfterSeconds: 2,
    });
  }
  return fromFastify(error, request) ?? internal();
}

const FASTIFY_ERRORS: Readonly<Record<string, (request: FastifyRequest) => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions }) =>
    new Problem('payload_too_large', `The body exceeds the limit of ${routeOptions.bodyLimit} bytes`),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: wrongMediaType,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('invalid_request', 'The body does not have the length that Content-Length says'),
  FST_ERR_BAD_URL: () =>
    new Problem(
      'invalid_request',
      'The path is not valid: a % must be followed by the code of a UTF-8 character',
    ),
  FST_ERR_MAX_PARAM_LENGTH: () => new Problem('uri_too_long', 'A part of the path is too long'),
};

/** 415, with the types that the route takes. */
export function wrongMediaType({ headers, routeOptions }: FastifyRequest): Problem {
  const given = headers['content-type'];
  const taken = ((routeOptions.schema as { consumes?: string[] } | undefined)?.consumes ?? [JSON_TYPE]).join(
    ' or ',
  );
  const detail = given === undefined ? `is missing; send ${taken}` : `"${given}" is not taken; send ${taken}`;
  const errors = [{ header: 'content-type', detail }];
  const form = given?.startsWith('multipart/')
    ? '. A form is not taken: send the file itself, as in curl --data-binary @file'
    : '';
  return new Problem('unsupported_media_type', `This route takes ${taken}${form}`, { errors });
}

function fromFastify(error: Error, request: FastifyRequest): Problem | undefined {
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = FASTIFY_ERRORS[code ?? ''];
  if (known !== undefined) return known(request);
  const isFault = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return isFault ? new Problem('invalid_request', error.message) : undefined;
}

function internal(): Problem {
  return new Problem(
    'internal',
    'An internal error occurred; quote the value of instance when you report it',
  );
}

/** SQLSTATE classes 08 and 57P, 53300 (too many connections), and the error codes of sockets. */
const DATABASE_DOWN = /^(08...|57P0[123]|53300|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOENT|EHOSTUNREACH)$/;
const DATABASE_DOWN_TEXT = /^(timeout exceeded when trying to connect|Connection terminated)/;
const GRPC_DOWN: readonly number[] = [4, 8, 14];

export function isUnavailable(error: Error): boolean {
  if (isGrpcServiceError(error)) return GRPC_DOWN.includes(error.code);
  if (error instanceof ServiceError) return error.cause instanceof Error && isUnavailable(error.cause);
  const { code } = error as { code?: unknown };
  return (typeof code === 'string' && DATABASE_DOWN.test(code)) || DATABASE_DOWN_TEXT.test(error.message);
}
