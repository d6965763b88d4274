import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Channel } from '../../domain/platform.ts';
import type { Switches } from './config.ts';
import type { RequestLog } from './request-log.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR } = constants;

/** A request as its push service reads it, whole. */
export interface PushRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly connection: Connection;
}

/** The answer of a push service to a request. Only a 200 is processed. */
export interface Decision {
  readonly status: number;
  readonly reason: string;
  readonly token: string;
  readonly messageId: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Connection {
  /** The team whose provider tokens it carries (APNs). */
  teamId: string | undefined;
  /** Allows the number of streams of the switches. */
  widen(): void;
}

export interface AnsweringOptions {
  readonly channel: Channel;
  readonly switches: Switches;
  readonly log: RequestLog;
  readonly decide: (request: PushRequest) => Decision;
}

export interface Answering {
  /** Logs a request that is not read. */
  skip(startedAt: number, reason: string): void;
  receive(
    stream: ServerHttp2Stream,
    startedAt: number,
    headers: IncomingHttpHeaders,
    connection: Connection,
  ): void;
}

/** Reads requests, answers them by decision and switches, and logs the outcome of each. */
export function createAnswering({ channel, switches, log, decide }: AnsweringOptions): Answering {
  function skip(startedAt: number, reason: string): void {
    log.end(startedAt, { channel, token: '', messageId: '', status: null, processed: false, reason });
  }

  function receive(
    stream: ServerHttp2Stream,
    startedAt: number,
    headers: IncomingHttpHeaders,
    connection: Connection,
  ): void {
    let body = '';
    let whole = false;
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      body += chunk;
    });
    stream.once('end', () => {
      if (stream.rstCode !== NGHTTP2_NO_ERROR) return;
      whole = true;
      handle(stream, startedAt, decide({ headers, body, connection }), body);
    });
    stream.once('close', () => {
      if (!whole) skip(startedAt, 'ClosedByClient');
    });
  }

  function handle(stream: ServerHttp2Stream, startedAt: number, decision: Decision, body: string): void {
    const { token, messageId } = decision;
    const processed = decision.status === 200 && !switches.blackhole;
    if (processed) log.process(channel, token, messageId, body);
    if (switches.blackhole) finish(null, 'Blackhole');
    else if (processed && happens(switches.resetAfterProcessingShare)) {
      stream.close(NGHTTP2_INTERNAL_ERROR);
      finish(null, 'ResetAfterProcessing');
    } else if (switches.delayMs.max === 0) answer();
    else {
      const { min, max } = switches.delayMs;
      setTimeout(answer, min + Math.random() * (max - min));
    }

    function answer(): void {
      if (stream.destroyed || stream.closed) {
        finish(null, 'ClosedByClient');
      } else {
        respond(stream, decision);
        finish(decision.status, decision.reason);
      }
    }

    function finish(status: number | null, reason: string): void {
      log.end(startedAt, { channel, token, messageId, status, processed, reason });
    }
  }

  return { skip, receive };
}

function respond(stream: ServerHttp2Stream, { status, headers, body }: Decision): void {
  if (body === undefined) {
    stream.respond({ ':status': status, ...headers }, { endStream: true });
    return;
  }
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(body);
}

export function happens(share: number): boolean {
  return share > 0 && Math.random() < share;
}
