import { describe, expect, test } from 'vitest';
import { CLIENTS, openPeer, openPoolWith, send, sendMany } from '../../test/h2-rig.ts';
import {
  CODE,
  FLAG,
  FRAME,
  frame,
  goaways,
  type OddConnection,
  ok,
  openAnsweringPeer,
  openOddPeer,
  SETTING,
  type SeenFrame,
  settings,
  uint32,
} from '../../test/odd-peer.ts';

const { endHeaders, endStream, padded, priority } = FLAG;
const ACCEPTED = expect.objectContaining({ kind: 'answer', status: 200 });
const UNKNOWN = { kind: 'unknown', reason: 'ConnectionLost' };
const RESET = { kind: 'unknown', reason: 'StreamReset' };
const CUT = expect.objectContaining({ kind: 'unprocessed', reason: 'AnswerCut' });
/** Status 429 with `retry-after: 7`, two fields that the static table does not hold with their values. */
const HEAD_429 = '0803343239' + '0f260137';

/** One answer with an error, in every form that the protocol allows. */
function windingAnswer(streamId: number): Buffer {
  return Buffer.concat([
    frame(0x4f, 0xff, streamId, 'abcdef'),
    frame(FRAME.headers, endHeaders, streamId, '0803313033'),
    frame(FRAME.headers, padded | priority, streamId, `05${'00000000ff'}20${HEAD_429.slice(0, 6)}0000000000`),
    frame(FRAME.continuation, 0, streamId, ''),
    frame(FRAME.continuation, endHeaders, streamId, HEAD_429.slice(6)),
    frame(FRAME.priority, 0, streamId, '0000000010'),
    frame(FRAME.data, padded, streamId, `03${Buffer.from('{"reason":').toString('hex')}000000`),
    frame(FRAME.data, 0, streamId, ''),
    frame(FRAME.data, 0, streamId, Buffer.from('"TooMany"}')),
    frame(FRAME.headers, endHeaders | endStream, streamId, `00${'03782d61'}${'0162'}`),
  ]);
}

describe.each(CLIENTS)('%s', (client) => {
  const openPool = openPoolWith(client);

  test.each([1, 7, 100_000])('an answer in pieces of %i bytes is read', async (size) => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      const answer = windingAnswer(streamId);
      for (let at = 0; at < answer.length; at += size) socket.write(answer.subarray(at, at + size));
    });
    const answer = await send(openPool(peer));
    expect(answer).toMatchObject({ kind: 'answer', status: 429, retryAfter: '7' });
    expect(answer.kind === 'answer' && answer.body.toString()).toBe('{"reason":"TooMany"}');
  });

  test.each([
    ['no status', '0f0d0130'],
    ['two statuses', '8888'],
    ['a status that is not a number', '0803324646'],
    ['a status after other headers', '0f26013788'],
    ['a header of requests', '8284'],
    ['an unknown pseudo-header', '00033a616103616161'],
    ['two lengths', '08033430340f0d01300f0d0130'],
    ['an informational status that ends the stream', '0803313033'],
  ])('an answer with %s loses its request alone', async (_name, block) => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      if (streamId === 3) socket.write(frame(1, endHeaders | endStream, streamId, block));
      else socket.write(ok(streamId));
    });
    const pool = openPool(peer, { maxSessions: 1 });
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(await send(pool)).toEqual(RESET);
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(peer.connections).toHaveLength(1);
  });

  test.each([
    [
      'trailers that do not end the stream',
      (id: number) => [frame(1, 4, id, HEAD_429), frame(1, 4, id, '')],
      CUT,
    ],
    [
      'a reset after its headers',
      (id: number) => [frame(1, 4, id, HEAD_429), frame(3, 0, id, uint32(2))],
      CUT,
    ],
    [
      'a refusal after its headers',
      (id: number) => [frame(1, 4, id, HEAD_429), frame(3, 0, id, uint32(7))],
      CUT,
    ],
    [
      'fewer bytes than announced',
      (id: number) => [frame(1, 5, id, '0803343239' + '0f0d023130')],
      // Node resets the stream before it reports the status.
      client === 'own' ? CUT : RESET,
    ],
    [
      'a body that is too long',
      (id: number) => [frame(1, 4, id, HEAD_429), ...Array(5).fill(frame(0, 0, id, Buffer.alloc(16_384)))],
      CUT,
    ],
  ])('an answer with %s', async (_name, say, fate) => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      socket.write(streamId === 1 ? Buffer.concat(say(streamId)) : ok(streamId));
    });
    const pool = openPool(peer, { maxSessions: 1 });
    expect(await send(pool)).toEqual(fate);
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(peer.connections).toHaveLength(1);
  });

  test('an answer with data before its headers', async () => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      const isFirst = peer.connections.length === 1 && streamId === 1;
      socket.write(isFirst ? frame(0, endStream, streamId, '00') : ok(streamId));
    });
    const pool = openPool(peer, { maxSessions: 1 });
    // Node ends the connection with the stream.
    expect(await send(pool)).toEqual(client === 'own' ? RESET : UNKNOWN);
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(peer.connections).toHaveLength(client === 'own' ? 1 : 2);
  });

  test('a 200 stands, whatever becomes of its stream', async () => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      socket.write(Buffer.concat([frame(1, endHeaders, streamId, '88'), frame(3, 0, streamId, uint32(2))]));
      socket.destroySoon();
    });
    expect(await send(openPool(peer))).toEqual(ACCEPTED);
  });

  test('written requests are lost when the peer closes without a GOAWAY', async () => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      if (peer.connections.length > 1) socket.write(ok(streamId));
      else if (streamId === 1) socket.write(ok(1));
      else if (streamId === 7) socket.end();
    });
    const pool = openPool(peer, { maxSessions: 1 });
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(await sendMany(pool, 3)).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
    expect(await send(pool)).toEqual(ACCEPTED);
  });

  test('a second GOAWAY may name a lower stream, and requests above it start again', async () => {
    const paths: number[] = [];
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      paths.push(peer.connections.length);
      if (peer.connections.length > 1) socket.write(ok(streamId));
      else if (streamId === 9) {
        socket.write(frame(FRAME.goaway, 0, 0, uint32(2 ** 31 - 1, 0)));
        socket.write(frame(FRAME.goaway, 0, 0, uint32(7, 0)));
        socket.write(frame(FRAME.goaway, 0, 0, uint32(3, 0)));
        socket.write(ok(3));
      } else if (streamId === 1) socket.write(ok(1));
    });
    const pool = openPool(peer, { maxSessions: 1 });
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(await sendMany(pool, 4)).toEqual(Array(4).fill(ACCEPTED));
    // The first connection gets one and four requests. Streams 5, 7 and 9 start again on the second.
    expect(paths).toEqual([1, 1, 1, 1, 1, 2, 2, 2]);
    await expect.poll(() => goaways(peer.connections[0])).toEqual([CODE.noError]);
  });

  function bodyOf(frames: readonly SeenFrame[], streamId: number): Buffer {
    const ofStream = frames.filter((seen) => seen.type === FRAME.data && seen.streamId === streamId);
    return Buffer.concat(ofStream.map(({ payload }) => payload));
  }

  test('a body waits for the windows of the peer, and arrives whole', async () => {
    const body = 'ä'.repeat(10_000);
    const peer = await openOddPeer(settings({ [SETTING.initialWindowSize]: 0 }), (seen, connection) => {
      const { socket } = connection;
      if (seen.type === FRAME.headers) {
        // The window is 0, then 5,000 bytes, then negative, then above the rest. The connection's window
        // limits the end.
        socket.write(settings({ [SETTING.initialWindowSize]: 5_000 }));
      } else if (seen.type === FRAME.data) {
        const sent = bodyOf(connection.frames, seen.streamId).length;
        if (sent === 5_000) {
          socket.write(settings({ [SETTING.initialWindowSize]: 1_000 }));
          socket.write(frame(FRAME.windowUpdate, 0, seen.streamId, uint32(4_001)));
        } else if (sent === 5_001) {
          socket.write(frame(FRAME.windowUpdate, 0, seen.streamId, uint32(1_000_000)));
        }
        if (seen.flags & endStream) socket.write(ok(seen.streamId));
      }
    });
    const pool = openPool(peer);
    expect(await send(pool, '/', () => true, body)).toEqual(ACCEPTED);
    expect(bodyOf(peer.connections[0]?.frames ?? [], 1).toString()).toBe(body);
  });

  test('no request is started while the window of the connection is used up', async () => {
    const body = 'b'.repeat(20_000);
    let opened = 0;
    const isUsedUp = Promise.withResolvers<OddConnection>();
    const whole: number[] = [];
    const peer = await openOddPeer(
      settings({ [SETTING.initialWindowSize]: 1_000_000 }),
      (seen, connection) => {
        if (seen.type === FRAME.headers) opened++;
        if (seen.type !== FRAME.data || !(seen.flags & endStream)) return;
        if (whole.push(seen.streamId) === 3) isUsedUp.resolve(connection);
        connection.socket.write(ok(seen.streamId));
      },
    );
    const pool = openPool(peer, { maxSessions: 1 });
    let asked = 0;
    const sent = Array.from({ length: 8 }, () => send(pool, '/', () => ++asked > 0, body));
    const { socket } = await isUsedUp.promise;
    await Promise.all(sent.slice(0, 3));
    // 65,535 bytes hold three bodies and a part of the fourth.
    expect(asked).toBe(4);
    await expect.poll(() => opened).toBe(4);
    socket.write(frame(FRAME.windowUpdate, 0, 0, uint32(1_000_000)));
    expect(await Promise.all(sent)).toEqual(Array(8).fill(ACCEPTED));
    expect(whole).toHaveLength(8);
  });

  test('a body that the peer does not wait for is not sent to its end', async () => {
    const peer = await openOddPeer(settings({ [SETTING.initialWindowSize]: 10 }), (seen, { socket }) => {
      if (seen.type === FRAME.data && seen.streamId === 1) socket.write(frame(1, 5, 1, HEAD_429));
      else if (seen.type === FRAME.data) socket.write(ok(seen.streamId));
    });
    const pool = openPool(peer, { maxSessions: 1 });
    expect(await send(pool, '/', () => true, 'x'.repeat(50))).toMatchObject({ status: 429 });
    expect(await send(pool)).toEqual(ACCEPTED);
    const [connection] = peer.connections;
    expect(connection?.frames).toContainEqual(
      expect.objectContaining({ type: FRAME.rstStream, streamId: 1 }),
    );
  });

  test('a peer that does not read gets no more requests than its socket takes', async () => {
    const body = 'b'.repeat(60_000);
    const greeting = settings({ [SETTING.initialWindowSize]: 2 ** 31 - 1 });
    const peer = await openAnsweringPeer(
      (streamId, { socket }) => {
        socket.write(ok(streamId));
        if (streamId === 1) socket.pause();
      },
      Buffer.concat([greeting, frame(FRAME.windowUpdate, 0, 0, uint32(2 ** 30))]),
    );
    const pool = openPool(peer, { maxSessions: 1, maxStreams: 10_000, queueMs: 60_000 });
    expect(await send(pool)).toEqual(ACCEPTED);
    let written = 0;
    const sent = Array.from({ length: 1_000 }, () => send(pool, '/', () => ++written > 0, body));
    await expect.poll(() => written).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBeLessThan(500);
    peer.connections[0]?.socket.resume();
    expect(await Promise.all(sent)).toEqual(Array(1_000).fill(ACCEPTED));
  });

  test('large answers are read without end, because their windows are given back', async () => {
    const body = Buffer.alloc(60_000, 'r');
    const peer = await openPeer((stream) => {
      stream.respond({ ':status': 400 });
      stream.end(body);
    });
    const pool = openPool(peer, { maxSessions: 1 });
    for (let n = 0; n < 4; n++) {
      const answers = await sendMany(pool, 100);
      expect(answers.every((answer) => answer.kind === 'answer' && answer.body.equals(body))).toBe(true);
    }
    expect(peer.sessions).toHaveLength(1);
  });

  test('a PING of the peer is acknowledged with the same payload', async () => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      socket.write(Buffer.concat([frame(FRAME.ping, 0, 0, '0123456789abcdef'), ok(streamId)]));
    });
    expect(await send(openPool(peer))).toEqual(ACCEPTED);
    await expect
      .poll(() => peer.connections[0]?.frames.find(({ type }) => type === FRAME.ping))
      .toMatchObject({ flags: FLAG.ack, payload: Buffer.from('0123456789abcdef', 'hex') });
  });

  test.each([
    ['speaks no HTTP/2', settings(), ['http/1.1', 'h3']],
    ['sends nothing', Buffer.alloc(0), ['h2']],
    ['does not begin with its settings', frame(FRAME.ping, 0, 0, '0123456789abcdef'), ['h2']],
    ['speaks HTTP/1.1 all the same', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), ['h2']],
  ])('a service that %s is unreachable', async (_name, greeting, protocols) => {
    const peer = await openOddPeer(greeting, () => {}, protocols);
    const pool = openPool(peer, { connectMs: 100, queueMs: 5_000 });
    expect(await send(pool)).toMatchObject({ kind: 'unprocessed', reason: 'Unreachable' });
  });
});
