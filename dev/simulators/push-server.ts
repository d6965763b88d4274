import { constants, createSecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ServerIdentity } from './certificate.ts';
import type { Switches } from './config.ts';
import { listen } from './listen.ts';
import { type AnsweringOptions, type Connection, createAnswering, happens } from './push-answer.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

export interface PushServerOptions extends AnsweringOptions {
  readonly identity: ServerIdentity;
  readonly port: number;
  /** Streams per connection before its first valid request. The default is the number of the switches. */
  readonly initialStreams?: number;
}

export interface PushServer {
  readonly url: string;
  /** Applies changed switches to open connections. */
  applySwitches(): void;
  dropConnections(): void;
  close(): Promise<void>;
}

interface LiveConnection extends Connection {
  streams: number;
  /** The last stream that a GOAWAY leaves open. */
  lastStreamId: number;
}

/** An HTTP/2 server with the faults of its switches, which logs each of its answers exactly. */
export async function openPushServer(options: PushServerOptions): Promise<PushServer> {
  const { channel, identity, switches, log } = options;
  const { skip, receive } = createAnswering(options);
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

  const close = await listen(server, options.port, identity.host);
  return {
    url: `https://${identity.host}:${(server.address() as AddressInfo).port}`,
    applySwitches() {
      for (const session of connections.keys()) announce(session);
    },
    dropConnections() {
      for (const session of connections.keys()) session.destroy();
    },
    close,
  };
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

function ignore(): void {}
