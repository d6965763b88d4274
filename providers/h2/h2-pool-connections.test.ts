import { once } from 'node:events';
import type { Http2Session } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { accept } from '../../dev/simulators/h2-peer.ts';
import { atEnd, CLIENTS, openPeer, openPoolWith, send, sendMany } from '../../test/h2-rig.ts';
import type { Endpoint } from '../push-service.ts';

function at(server: Server, ca?: string): Endpoint {
  const { port } = server.address() as AddressInfo;
  const url = new URL(`https://127.0.0.1:${port}`);
  return ca === undefined ? { url } : { url, ca };
}

describe.each(CLIENTS)('%s', (client) => {
  const openPool = openPoolWith(client);

  test('follows the peer when it changes how many streams it allows', async () => {
    let open = 0;
    let most = 0;
    const peer = await openPeer((stream) => {
      most = Math.max(most, ++open);
      stream.once('close', () => open--);
      setImmediate(() => accept(stream));
    }, 40);
    const pool = openPool(peer, { maxSessions: 1 });
    await sendMany(pool, 400);
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(40);

    const [session] = peer.sessions;
    session?.settings({ maxConcurrentStreams: 3 });
    await once(session as Http2Session, 'localSettings');
    await send(pool);
    most = 0;
    const answers = await sendMany(pool, 100);
    expect(most).toBeLessThanOrEqual(3);
    expect(answers.every((answer) => answer.kind === 'answer')).toBe(true);
  });

  test('a dead connection is found by PING, and its written requests are lost', async () => {
    const peer = await openPeer((stream, path) => path !== '/held' && accept(stream));
    const pairs: Socket[][] = [];
    const proxy = createServer((socket) => {
      const upstream = connect(peer.port, '127.0.0.1');
      pairs.push([socket, upstream]);
      for (const end of [socket, upstream]) end.on('error', () => {});
      socket.pipe(upstream).pipe(socket);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    atEnd(() => {
      for (const socket of pairs.flat()) socket.destroy();
      proxy.close();
    });
    const pool = openPool(at(proxy, peer.ca), { pingBusyMs: 50, pingTimeoutMs: 150 });
    await send(pool, '/warm');
    const held = send(pool, '/held');
    for (const [socket, upstream] of pairs) {
      socket?.unpipe(upstream);
      upstream?.unpipe(socket);
    }
    expect(await held).toEqual({ kind: 'unknown', reason: 'ConnectionLost' });
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
    atEnd(() => wall.close());
    const pool = openPool(at(wall));
    const answers = await sendMany(pool, 20);
    for (const answer of answers) {
      expect(answer).toMatchObject({ kind: 'unprocessed', reason: 'Unreachable' });
      expect(answer.kind === 'unprocessed' && answer.afterMs).toBeGreaterThanOrEqual(500);
    }
    expect(connections).toBe(3);
    await sendMany(pool, 20);
    expect(connections).toBe(3);
  });

  test('opens further connections only as the load needs them', async () => {
    const peer = await openPeer((stream) => setTimeout(() => accept(stream), 5), 10);
    const pool = openPool(peer);
    await send(pool);
    await send(pool);
    expect(peer.sessions).toHaveLength(1);
    await sendMany(pool, 500);
    expect(peer.sessions).toHaveLength(4);
  });

  test('closing does not wait for a peer that went away and never closes its end', async () => {
    const peer = await openPeer((stream, _path, session) => {
      accept(stream);
      session.goaway();
    });
    const clients: Socket[] = [];
    const proxy = createServer({ allowHalfOpen: true }, (socket) => {
      const upstream = connect(peer.port, '127.0.0.1');
      clients.push(socket);
      for (const end of [socket, upstream]) end.on('error', () => {});
      socket.pipe(upstream);
      upstream.pipe(socket, { end: false });
      atEnd(() => [socket, upstream].map((end) => end.destroy()));
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    atEnd(() => proxy.close());
    const pool = openPool(at(proxy, peer.ca));
    expect(await send(pool)).toMatchObject({ kind: 'answer', status: 200 });
    await expect.poll(() => clients[0]?.readableEnded).toBe(true);
    await pool.close();
    // Only a socket that is closed altogether answers more data with a reset.
    const isReset = () => {
      clients[0]?.write(' ');
      return clients[0]?.destroyed;
    };
    await expect.poll(isReset).toBe(true);
  });
});
