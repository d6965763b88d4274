import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createLoopbackIdentity } from '../dev/simulators/certificate.ts';
import type { Answer } from './h2-exchange.ts';
import { H2Pool, type H2PoolOptions } from './h2-pool.ts';

const identity = createLoopbackIdentity();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Peer {
  readonly server: Http2SecureServer;
  readonly sessions: ServerHttp2Session[];
  readonly port: number;
}

type OnStream = (stream: ServerHttp2Stream, path: string, session: ServerHttp2Session) => void;

async function openPeer(onStream: OnStream, maxConcurrentStreams = 100): Promise<Peer> {
  const server = createSecureServer({
    key: identity.key,
    cert: identity.cert,
    settings: { maxConcurrentStreams },
  });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session as ServerHttp2Session);
    session.on('error', () => {});
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      stream.resume();
      onStream(stream, String(headers[':path']), session as ServerHttp2Session);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { server, sessions, port: portOf(server) };
}

function openPool(port: number, options: H2PoolOptions = {}): H2Pool {
  const url = new URL(`https://127.0.0.1:${port}`);
  const pool = new H2Pool({ url, ca: identity.ca }, { sweepMs: 20, ...options });
  cleanups.push(() => pool.close());
  return pool;
}

function send(pool: H2Pool, path = '/', mayStart = () => true): Promise<Answer> {
  return pool.request({ path, headers: [], body: '{}' }, mayStart);
}

function sendMany(pool: H2Pool, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => send(pool, `/${n}`)));
}

function ok(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
}

function portOf(server: Server | Http2SecureServer): number {
  return (server.address() as AddressInfo).port;
}

test('keeps status, headers and body of an answer that is not 200', async () => {
  const peer = await openPeer((stream) => {
    stream.respond({ ':status': 410, 'x-reason': 'gone' });
    stream.end('{"reason":"Unregistered"}');
  });
  const answer = await send(openPool(peer.port));
  expect(answer).toMatchObject({ kind: 'answer', status: 410, headers: { 'x-reason': 'gone' } });
  expect(answer.kind === 'answer' && answer.body.toString()).toBe('{"reason":"Unregistered"}');
});

test('a request whose mayStart is false is never written', async () => {
  const paths: string[] = [];
  const peer = await openPeer((stream, path) => {
    paths.push(path);
    ok(stream);
  });
  const pool = openPool(peer.port);
  const answers = await Promise.all([send(pool, '/no', () => false), send(pool, '/yes')]);
  expect(answers.map(({ kind }) => kind)).toEqual(['not_started', 'answer']);
  expect(paths).toEqual(['/yes']);
});

test('a refused stream is written again, and mayStart is asked again', async () => {
  const seen = new Map<string, number>();
  const peer = await openPeer((stream, path) => {
    const times = (seen.get(path) ?? 0) + 1;
    seen.set(path, times);
    if (times < 3) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else ok(stream);
  });
  const pool = openPool(peer.port);
  let asked = 0;
  const mayStart = () => {
    asked++;
    return true;
  };
  expect(await send(pool, '/refused', mayStart)).toMatchObject({ kind: 'answer', status: 200 });
  expect(asked).toBe(3);
});

test('a stream that is always refused is given back as unprocessed', async () => {
  const peer = await openPeer((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  expect(await send(openPool(peer.port))).toMatchObject({ kind: 'unprocessed', reason: 'StreamRefused' });
});

test('a stream that is reset after it was written is lost, and not written again', async () => {
  let seen = 0;
  const peer = await openPeer((stream) => {
    seen++;
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
  expect(await send(openPool(peer.port))).toEqual({ kind: 'lost', reason: 'StreamReset' });
  expect(seen).toBe(1);
});

test('an answer that is cut short was still a refusal', async () => {
  const peer = await openPeer((stream) => {
    stream.respond({ ':status': 400, 'content-length': 100 });
    stream.write('{"reason"', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  });
  expect(await send(openPool(peer.port))).toMatchObject({ kind: 'unprocessed', reason: 'AnswerCut' });
});

test('without an answer until the deadline a request is lost, and its stream is free again', async () => {
  const peer = await openPeer((stream, path) => path !== '/silent' && ok(stream), 1);
  const pool = openPool(peer.port, { deadlineMs: 150, maxSessions: 1 });
  expect(await send(pool, '/silent')).toEqual({ kind: 'lost', reason: 'Timeout' });
  expect(await send(pool, '/next')).toMatchObject({ kind: 'answer', status: 200 });
  expect(peer.sessions).toHaveLength(1);
});

test('follows the peer when it changes how many streams it allows', async () => {
  let open = 0;
  let most = 0;
  const peer = await openPeer((stream) => {
    most = Math.max(most, ++open);
    stream.once('close', () => open--);
    setImmediate(() => ok(stream));
  }, 40);
  const pool = openPool(peer.port, { maxSessions: 1 });
  await sendMany(pool, 400);
  expect(most).toBeGreaterThan(20);
  expect(most).toBeLessThanOrEqual(40);

  const [session] = peer.sessions;
  session?.settings({ maxConcurrentStreams: 3 });
  await once(session as ServerHttp2Session, 'localSettings');
  await send(pool);
  most = 0;
  const answers = await sendMany(pool, 100);
  expect(most).toBeLessThanOrEqual(3);
  expect(answers.every((answer) => answer.kind === 'answer')).toBe(true);
});

test('after a GOAWAY with an error only what it says was not handled is written again', async () => {
  const seen = new Map<string, number>();
  const peer = await openPeer((stream, path, session) => {
    seen.set(path, (seen.get(path) ?? 0) + 1);
    if (session !== peer.sessions[0] || path === '/first') return ok(stream);
    if (path === '/9') session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 11);
  });
  const pool = openPool(peer.port);
  await send(pool, '/first');
  const answers = await sendMany(pool, 10);
  // The first request was stream 1, so /0 to /4 are streams 3 to 11.
  expect(answers.slice(0, 5)).toEqual(Array(5).fill({ kind: 'lost', reason: 'ConnectionLost' }));
  expect(answers.slice(5)).toEqual(Array(5).fill(expect.objectContaining({ kind: 'answer', status: 200 })));
  expect(seen.get('/0')).toBe(1);
});

test('a connection that went dead is found by PING, and what was written is lost', async () => {
  const peer = await openPeer((stream, path) => path !== '/held' && ok(stream));
  const pairs: Socket[][] = [];
  const proxy = createServer((socket) => {
    const upstream = connect(peer.port, '127.0.0.1');
    pairs.push([socket, upstream]);
    for (const end of [socket, upstream]) end.on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanups.push(() => {
    for (const socket of pairs.flat()) socket.destroy();
    proxy.close();
  });
  const pool = openPool(portOf(proxy), { pingBusyMs: 50, pingTimeoutMs: 150 });
  await send(pool, '/warm');
  const held = send(pool, '/held');
  for (const [socket, upstream] of pairs) {
    socket?.unpipe(upstream);
    upstream?.unpipe(socket);
  }
  expect(await held).toEqual({ kind: 'lost', reason: 'ConnectionLost' });
  expect(await send(pool, '/after')).toMatchObject({ kind: 'answer', status: 200 });
});

test('an unreachable service is tried a few times with growing pauses, and the requests are given back', async () => {
  let connections = 0;
  const wall = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  wall.listen(0, '127.0.0.1');
  await once(wall, 'listening');
  cleanups.push(() => wall.close());
  const pool = openPool(portOf(wall));
  const answers = await sendMany(pool, 20);
  for (const answer of answers) {
    expect(answer).toMatchObject({ kind: 'unprocessed', reason: 'Unreachable' });
    expect(answer.kind === 'unprocessed' && answer.afterMs).toBeGreaterThanOrEqual(500);
  }
  expect(connections).toBe(3);
  await sendMany(pool, 20);
  expect(connections).toBe(3);
});

test('closing lets what was written end and gives back what was not', async () => {
  const arrived = Promise.withResolvers<ServerHttp2Stream>();
  const peer = await openPeer((stream, path) => path === '/written' && arrived.resolve(stream), 1);
  const pool = openPool(peer.port, { maxSessions: 1 });
  const written = send(pool, '/written');
  const stream = await arrived.promise;
  const queued = send(pool, '/queued');
  const closed = pool.close();
  expect(await queued).toMatchObject({ kind: 'unprocessed', reason: 'Closing' });
  expect(await send(pool)).toMatchObject({ kind: 'unprocessed', reason: 'Closing' });
  ok(stream);
  expect(await written).toMatchObject({ kind: 'answer', status: 200 });
  await closed;
  expect(pool.stats).toMatchObject({ inFlight: 0, queued: 0 });
});

test('opens further connections only as the load needs them', async () => {
  const peer = await openPeer((stream) => setTimeout(() => ok(stream), 5), 10);
  const pool = openPool(peer.port);
  await send(pool);
  await send(pool);
  expect(peer.sessions).toHaveLength(1);
  await sendMany(pool, 500);
  expect(peer.sessions).toHaveLength(4);
});
