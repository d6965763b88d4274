import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A client that sends any headers and body, for requests that the engine never makes. */
export interface RawClient {
  readonly session: ClientHttp2Session;
  send(headers: OutgoingHttpHeaders, body?: string): Promise<RawAnswer>;
  close(): void;
}

export async function openRawClient(url: string, ca: string): Promise<RawClient> {
  const session = connect(url, { ca });
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return {
    session,
    async send(headers, body = '') {
      const stream = session.request({ ':method': 'POST', ...headers });
      stream.end(body);
      const [answer] = await once(stream, 'response');
      return { status: answer[':status'], headers: answer, body: await text(stream) };
    },
    close: () => session.destroy(),
  };
}
