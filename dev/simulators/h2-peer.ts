import { createSecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createIdentity } from './certificate.ts';
import { listen } from './listen.ts';

/** A bare HTTP/2 server whose streams a test handles, for behaviour that no switch describes. */
export interface H2Peer {
  readonly url: URL;
  readonly ca: string;
  readonly port: number;
  readonly sessions: readonly Http2Session[];
  close(): void;
}

export type OnStream = (stream: ServerHttp2Stream, path: string, session: Http2Session) => void;

const identity = await createIdentity();

export async function openH2Peer(onStream: OnStream, maxConcurrentStreams = 100): Promise<H2Peer> {
  const sessions: Http2Session[] = [];
  const server = createSecureServer({
    key: identity.key,
    cert: identity.cert,
    settings: { maxConcurrentStreams },
  });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      stream.resume();
      onStream(stream, String(headers[':path']), session);
    });
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`https://127.0.0.1:${port}`),
    ca: identity.ca,
    port,
    sessions,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** Answers 200. */
export function accept(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
}
