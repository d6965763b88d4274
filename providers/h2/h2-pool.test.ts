import { constants, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { accept } from '../../dev/simulators/h2-peer.ts';
import { CLIENTS, openPeer, openPoolWith, send, sendMany } from '../../test/h2-rig.ts';
import { ALWAYS_OPEN } from '../push-service.ts';

describe.each(CLIENTS)('%s', (client) => {
  const openPool = openPoolWith(client);

  test('keeps status, headers and body of an answer that is not 200', async () => {
    const peer = await openPeer((stream) => {
      stream.respond({ ':status': 410, 'retry-after': '7' });
      stream.end('{"reason":"Unregistered"}');
    });
    const answer = await send(openPool(peer));
    expect(answer).toMatchObject({ kind: 'answer', status: 410, retryAfter: '7' });
    expect(answer.kind === 'answer' && answer.body.toString()).toBe('{"reason":"Unregistered"}');
  });

  test('a request whose gate is closed is never written', async () => {
    const paths: string[] = [];
    const peer = await openPeer((stream, path) => {
      paths.push(path);
      accept(stream);
    });
    const pool = openPool(peer);
    const answers = await Promise.all([send(pool, '/no', () => false), send(pool, '/yes')]);
    expect(answers.map(({ kind }) => kind)).toEqual(['not_started', 'answer']);
    expect(paths).toEqual(['/yes']);
  });

  test('requests that a frozen process had collected are written afterwards only if their gates allow it', async () => {
    let seen = 0;
    const peer = await openPeer((stream) => {
      seen++;
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    const pool = openPool(peer);
    await send(pool);
    let mayStart = true;
    const stopped = send(pool, '/stopped', () => mayStart);
    const frozen = send(pool, '/frozen', () => {
      const thawsAt = performance.now() + 600;
      while (mayStart && performance.now() < thawsAt);
      mayStart = false;
      return true;
    });
    expect(await stopped).toEqual({ kind: 'not_started' });
    expect(await frozen).toMatchObject({ kind: 'answer', status: 200 });
    expect(seen).toBe(2);
  });

  test('a request that waits for a stream and may not start any more is given back at once', async () => {
    const held: ServerHttp2Stream[] = [];
    const arrived = Promise.withResolvers<void>();
    const peer = await openPeer((stream) => {
      held.push(stream);
      arrived.resolve();
    }, 1);
    const pool = openPool(peer, { maxSessions: 1 });
    let mayStart = true;
    const started: string[] = [];
    const gateOf = (name: string) => ({
      ...ALWAYS_OPEN,
      mayStart: () => mayStart,
      started: () => started.push(name),
    });
    const written = send(pool, '/written', gateOf('written'));
    const waiting = send(pool, '/waiting', gateOf('waiting'));
    await arrived.promise;
    pool.recheck();
    expect(started).toEqual(['written']);
    mayStart = false;
    pool.recheck();
    expect(await waiting).toEqual({ kind: 'not_started' });
    for (const stream of held) accept(stream);
    expect((await written).kind).toBe('answer');
  });

  test('a refused stream is written again, and its gate is asked and told again', async () => {
    const seen = new Map<string, number>();
    const peer = await openPeer((stream, path) => {
      const times = (seen.get(path) ?? 0) + 1;
      seen.set(path, times);
      if (times < 3) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else accept(stream);
    });
    const pool = openPool(peer);
    const told: string[] = [];
    const gate = {
      mayStart: () => told.push('asked') > 0,
      started: () => told.push('started'),
      putBack: () => told.push('put back'),
    };
    expect(await send(pool, '/refused', gate)).toMatchObject({ kind: 'answer', status: 200 });
    const again = ['put back', 'asked', 'started'];
    expect(told).toEqual(['asked', 'started', ...again, ...again]);
  });

  test('a stream that is always refused is given back as unprocessed', async () => {
    const peer = await openPeer((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    expect(await send(openPool(peer))).toMatchObject({ kind: 'unprocessed', reason: 'StreamRefused' });
  });

  test('a stream that is reset after it was written is lost, and not written again', async () => {
    let seen = 0;
    const peer = await openPeer((stream) => {
      seen++;
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    expect(await send(openPool(peer))).toEqual({ kind: 'unknown', reason: 'StreamReset' });
    expect(seen).toBe(1);
  });

  test('an answer that is cut short was still a refusal', async () => {
    const peer = await openPeer((stream) => {
      stream.respond({ ':status': 400, 'content-length': 100 });
      stream.write('{"reason"', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    });
    expect(await send(openPool(peer))).toMatchObject({ kind: 'unprocessed', reason: 'AnswerCut' });
  });

  test('a request without an answer until the deadline is lost, and its connection gets no more requests', async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>();
    const peer = await openPeer((stream, path) => {
      if (path === '/held') held.resolve(stream);
      else if (path !== '/silent') accept(stream);
    });
    const pool = openPool(peer, { deadlineMs: 1_000, maxSessions: 1 });
    await send(pool);
    const silent = send(pool, '/silent');
    // The next request is 600 ms younger, so its answer comes long before its deadline.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const written = send(pool, '/held');
    expect(await silent).toEqual({ kind: 'unknown', reason: 'Timeout' });
    expect(await send(pool, '/next')).toMatchObject({ kind: 'answer', status: 200 });
    expect(peer.sessions).toHaveLength(2);

    // Requests that were on the connection keep their own deadlines. The last one closes the connection.
    const [first] = peer.sessions;
    expect(first?.closed).toBe(false);
    accept(await held.promise);
    expect(await written).toMatchObject({ kind: 'answer', status: 200 });
    await expect.poll(() => first?.destroyed).toBe(true);
    expect(pool.stats.sessions).toBe(1);
  });

  test('a service that accepts requests and never answers loses only a few', async () => {
    const peer = await openPeer(() => {});
    const pool = openPool(peer, { deadlineMs: 100, queueMs: 30_000 });
    const answers = await sendMany(pool, 500);
    const lost = answers.filter((answer) => answer.kind === 'unknown');
    expect(lost).toHaveLength(30);
    expect(answers.slice(30)).toEqual(Array(470).fill(expect.objectContaining({ reason: 'Unreachable' })));
  });

  test('a connection that has used up its streams is replaced', async () => {
    const peer = await openPeer((stream) => accept(stream));
    const pool = openPool(peer, { maxRequests: 5, maxSessions: 1 });
    const answers = await sendMany(pool, 12);
    expect(answers).toEqual(Array(12).fill(expect.objectContaining({ kind: 'answer', status: 200 })));
    expect(peer.sessions).toHaveLength(3);
    await expect.poll(() => peer.sessions.filter((session) => session.destroyed).length).toBe(2);
  });

  test('after a GOAWAY with an error only the requests above its stream ID are written again', async () => {
    const seen = new Map<string, number>();
    const peer = await openPeer((stream, path, session) => {
      seen.set(path, (seen.get(path) ?? 0) + 1);
      if (session !== peer.sessions[0] || path === '/first') return accept(stream);
      if (path === '/9') session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 11);
    });
    const pool = openPool(peer);
    await send(pool, '/first');
    const answers = await sendMany(pool, 10);
    // The first request was stream 1, so /0 to /4 are streams 3 to 11.
    expect(answers.slice(0, 5)).toEqual(Array(5).fill({ kind: 'unknown', reason: 'ConnectionLost' }));
    expect(answers.slice(5)).toEqual(Array(5).fill(expect.objectContaining({ kind: 'answer', status: 200 })));
    expect(seen.get('/0')).toBe(1);
  });

  test('closing lets written requests end and gives back the others', async () => {
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    const peer = await openPeer((stream, path) => path === '/written' && arrived.resolve(stream), 1);
    const pool = openPool(peer, { maxSessions: 1 });
    const written = send(pool, '/written');
    const stream = await arrived.promise;
    const queued = send(pool, '/queued');
    const closed = pool.close();
    expect(await queued).toMatchObject({ kind: 'unprocessed', reason: 'Closing' });
    expect(await send(pool)).toMatchObject({ kind: 'unprocessed', reason: 'Closing' });
    accept(stream);
    expect(await written).toMatchObject({ kind: 'answer', status: 200 });
    await closed;
    expect(pool.stats).toMatchObject({ inFlight: 0, queued: 0 });
  });
});
