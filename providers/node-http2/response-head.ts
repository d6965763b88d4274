import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';
import type { ResponseHead } from '../connection/h2-connection.ts';

export type Headers = IncomingHttpHeaders & IncomingHttpStatusHeader;

const LENGTH = /^\d{1,15}$/;

/** Pseudo-headers are not checked here, because Node has checked them already. */
export function responseHead(headers: Headers): ResponseHead {
  const { 'retry-after': retryAfter, 'content-length': length } = headers;
  const status = Number(headers[':status'] ?? 0);
  return {
    status,
    retryAfter,
    contentLength: length === undefined ? undefined : Number(length),
    malformed: Number.isNaN(status) || (length !== undefined && !LENGTH.test(length)),
  };
}
