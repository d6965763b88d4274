import {
  constants,
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Channel } from '../../domain/platform.ts';
import type { ServerIdentity } from './certificate.ts';
import type { Switches } from './config.ts';
import { listen } from './listen.ts';
import type { RequestLog } from './request-log.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = constants;

/** A request as its push service reads it, whole. */
export interface PushRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly connection: Connection;
}

/** What a push service decides on a request. Only a 200 is processed. */
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
  /** Allows the number of streams that the switches say. */
  widen(): void;
}

export interface PushServerOptions {
  readonly channel: Channel;
  readonly identity: ServerIdentity;
  readonly port: number;
  readonly switches: Switches;
  readonly log: RequestLog;
  /** Streams per connection until it is widened; as the switches say if not given. */
  readonly initialStreams?: number;
  readonly decide: (request: PushRequest) => Decision;
}

export interface PushServer {
  readonly url: string;
  /** Makes open connections follow changed switches. */
  applySwitches(): void;
  dropConnections(): void;
  close(): Promise<void>;
}

interface LiveConnection extends Connection {
  streams: number;
  /** The last stream that a GOAWAY lets live. */
  lastStreamId: number;
}

/** An HTTP/2 front that behaves as badly as its switches say, and logs exactly what it did. */
export async function openPushServer(options: PushServerOptions): Promise<PushServer> {
  const { channel, identity, switches, log, decide } = options;
  const connections = new Map<Http2Session, LiveConnection>();
  const server = createSecureServer({
    key: identity.key,
    cert: identity.cert,
    settings: { maxConcurrentStreams: options.initialStreams ?? switches.maxConcurrentStreams },
  });

  const announce = (session: Http2Session) => {
    if (!session.destroyed) session.settings({ maxConcurrentStreams: switches.maxConcurrentStreams });
  };

  server.on('session', (session) => {
    let widened = options.initialStreams === undefined;
    if (widened) announce(session);
    connections.set(session, {
      teamId: undefined,
      streams: 0,
      lastStreamId: Number.POSITIVE_INFINITY,
      widen: () => {
        if (widened) return;
        widened = true;
        announce(session);
      },
    });
    session.on('error', ignore);
    session.once('close', () => connections.delete(session));
  });

  server.on('stream', (stream, headers) => {
    const startedAt = log.start(channel);
    stream.on('error', ignore);
    const connection = stream.session && connections.get(stream.session);
    if (connection === undefined) skip(startedAt, 'ConnectionClosed');
    else if (!mayLive(stream, connection, switches)) skip(startedAt, 'GoingAway');
    else if (happens(switches.refuseStreamsShare)) {
      stream.close(NGHTTP2_REFUSED_STREAM);
      skip(startedAt, 'StreamRefused');
    } else receive(stream, startedAt, headers, connection);
  });

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
      handle(stream, startedAt, decide({ headers, body, connection }));
    });
    stream.once('close', () => {
      if (!whole) skip(startedAt, 'ClosedByClient');
    });
  }

  function handle(stream: ServerHttp2Stream, startedAt: number, decision: Decision): void {
    const { token, messageId } = decision;
    const processed = decision.status === 200 && !switches.blackhole;
    if (processed) log.process(channel, token, messageId);
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

  await listen(server, options.port);
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    applySwitches() {
      for (const session of connections.keys()) announce(session);
    },
    dropConnections() {
      for (const session of connections.keys()) session.destroy();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of connections.keys()) session.destroy();
      await closed;
    },
  };
}

function respond(stream: ServerHttp2Stream, { status, headers, body }: Decision): void {
  if (body === undefined) {
    stream.respond({ ':status': status, ...headers }, { endStream: true });
    return;
  }
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(body);
}

/** Counts the connection's streams and sends the GOAWAY that is due; false for a stream that it cuts off. */
function mayLive(stream: ServerHttp2Stream, connection: LiveConnection, switches: Switches): boolean {
  const id = stream.id ?? 0;
  if (id > connection.lastStreamId) return false;
  connection.streams++;
  const due = switches.goawayEveryStreams > 0 && connection.streams >= switches.goawayEveryStreams;
  if (due && connection.lastStreamId === Number.POSITIVE_INFINITY) {
    connection.lastStreamId = id;
    stream.session?.goaway(NGHTTP2_NO_ERROR, id);
  }
  return true;
}

export function happens(share: number): boolean {
  return share > 0 && Math.random() < share;
}

function ignore(): void {}
