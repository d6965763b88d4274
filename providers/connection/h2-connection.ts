import type { Endpoint } from '../push-service.ts';
import type { RequestHead } from './request-head.ts';

/** Which implementation of `Connection` is used. */
export type Http2Client = 'own' | 'node';

/** The header block of an answer, or its trailers. */
export interface ResponseHead {
  /** 0 in trailers. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly contentLength: number | undefined;
  /** The block could be decoded, and breaks the rules of HTTP. */
  readonly malformed: boolean;
}

/** Heads and buffers are valid only during the call. No event follows `closed`. */
export interface ConnectionEvents {
  /** The final or an informational head, or the trailers, of a stream. */
  headers(streamId: number, head: ResponseHead, isEnd: boolean): void;
  data(streamId: number, buffer: Buffer, start: number, end: number, isEnd: boolean): void;
  /** The peer has reset the stream. Refused (code 7) means that the request was certainly not processed. */
  reset(streamId: number, code: number): void;
  /** The peer has certainly not processed streams with a higher ID. */
  goaway(lastStreamId: number, code: number): void;
  pong(): void;
  /** Input was processed, or the socket accepts more output. */
  progress(): void;
  /** Emitted once. `fault` is the error of the connection, if it had one. */
  closed(fault?: Error): void;
}

/**
 * One HTTP/2 connection over TLS, for many small POSTs with small answers. Its session counts the streams,
 * asks for pings and sets deadlines; the connection tells which requests were certainly not processed.
 */
export interface Connection {
  /** The peer's settings have arrived. */
  readonly hasSettings: boolean;
  /** Streams that the peer allows; none before its settings have arrived. */
  readonly peerStreams: number;
  /** A request would be written at once instead of waiting in a buffer. */
  readonly isReady: boolean;
  /** The highest stream ID of which anything was written. */
  readonly writtenStreamId: number;
  /** Starts a request, which the next flush writes at the latest; returns the ID of its stream. */
  request(head: RequestHead, path: string, body: string): number;
  /** Aborts a stream with an error code of RFC 9113, section 7. */
  reset(streamId: number, code: number): void;
  /**
   * Called when the peer has ended the stream. The rest of a request that the peer did not wait for is not
   * sent.
   */
  finish(streamId: number): void;
  /** Frees the state of a stream that the peer has reset. */
  forget(streamId: number): void;
  ping(): void;
  /**
   * Writes all collected requests. After a stall of the process the connection is destroyed instead, because
   * the leases of the collected requests may have ended during the stall.
   */
  flush(): void;
  /** Closes once everything is written. The session destroys a connection that takes too long. */
  close(): void;
  destroy(): void;
}

export type OpenConnection = (endpoint: Endpoint, events: ConnectionEvents) => Connection;

/** The age of a collected request beyond which the process counts as stalled. */
export const STALL_MS = 500;
/** A batch beyond this size is written before it is complete, so that back-pressure shows. */
export const BATCH_BYTES = 128 * 1024;
