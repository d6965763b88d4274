import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { BareRequest } from './requests.ts';

/** A connection ready for many streams. APNs allows only one until a first request was authenticated. */
export async function openSession(url: string, ca: string, first: BareRequest): Promise<ClientHttp2Session> {
  const session = connect(url, { ca, settings: { enablePush: false }, maxSessionMemory: 64 });
  await once(session, 'remoteSettings');
  const widened = once(session, 'remoteSettings');
  await new Promise<void>((resolve, reject) => start(session, new URL(url).host, first, resolve, reject));
  if (session.remoteSettings.maxConcurrentStreams === 1) await widened;
  return session;
}

export function start(
  session: ClientHttp2Session,
  authority: string,
  { path, headers, body }: BareRequest,
  onDone: () => void,
  onFault: (error: Error) => void,
): void {
  const pseudo = [':method', 'POST', ':path', path, ':scheme', 'https', ':authority', authority];
  const stream = session.request([...pseudo, ...headers]);
  stream.on('error', onFault);
  stream.on('response', (answer) => {
    if (answer[':status'] !== 200) onFault(new Error(`the simulator answered ${answer[':status']}`));
    stream.resume();
  });
  stream.on('close', onDone);
  stream.end(body);
}

/** Keeps `streams` streams open on each session until all requests are answered. */
export async function sendAll(
  sessions: readonly ClientHttp2Session[],
  url: string,
  streams: number,
  requests: readonly BareRequest[],
): Promise<void> {
  if (requests.length === 0) return;
  const authority = new URL(url).host;
  await new Promise<void>((resolve, reject) => {
    let next = 0;
    let left = requests.length;
    const more = (session: ClientHttp2Session): void => {
      const request = requests[next++];
      if (request === undefined) return;
      const onDone = () => {
        left--;
        if (left === 0) resolve();
        else more(session);
      };
      start(session, authority, request, onDone, reject);
    };
    for (let stream = 0; stream < streams; stream++) for (const session of sessions) more(session);
  });
}
