import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, Problem, renderProblem } from '../http/problem.ts';

/** An error of Node's HTTP parser. */
interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
  /** The bytes that could not be parsed, a Buffer. */
  readonly rawPacket?: unknown;
}

/** Node ends a request whose head exceeds this size. */
export const HEADER_BYTES = 16_384;

/** Answers a request that Node could not parse, so that no route and no handler of errors sees it. */
export function answerUnparsed(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const problem = problemOf(error);
  const body = JSON.stringify(renderProblem(problem, randomUUID()));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function problemOf(error: ParserError): Problem {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return isLongAddress(error.rawPacket)
      ? new Problem(
          'uri_too_long',
          `The address exceeds the limit of ${HEADER_BYTES} bytes; shorten the query`,
        )
      : new Problem('headers_too_large', `The headers exceed the limit of ${HEADER_BYTES} bytes`);
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('request_timeout', 'The request did not arrive in time; send it again');
  }
  return new Problem('invalid_request', `The request is not valid HTTP: ${error.reason ?? error.message}`);
}

/** Whether the first line alone is too long. */
function isLongAddress(packet: unknown): boolean {
  const end = Buffer.isBuffer(packet) ? packet.indexOf('\n') : 0;
  return end < 0 || end > HEADER_BYTES / 2;
}

/** Answers a request whose header Expect asks for more than `100-continue`. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const problem = new Problem(
    'expectation_failed',
    'The header Expect may only be 100-continue; leave it out',
  );
  const body = JSON.stringify(renderProblem(problem, randomUUID()));
  const length = Buffer.byteLength(body);
  response.writeHead(problem.status, { 'content-type': PROBLEM_TYPE, 'content-length': length }).end(body);
}
