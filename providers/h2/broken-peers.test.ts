import { describe, expect, test } from 'vitest';
import { CLIENTS, openPoolWith, send } from '../../test/h2-rig.ts';
import { CODE, FLAG, frame, goaways, ok, openAnsweringPeer, settings } from '../../test/odd-peer.ts';

const { endHeaders, padded, priority } = FLAG;
const ACCEPTED = expect.objectContaining({ kind: 'answer', status: 200 });
const UNKNOWN = { kind: 'unknown', reason: 'ConnectionLost' };

/** RFC 9113 leaves the code to the client in these cases, and nghttp2 chooses another. */
const CODE_OF_NODE: Readonly<Record<string, number>> = {
  'padded data without a length': CODE.protocolError,
  'a priority longer than the headers': CODE.frameSizeError,
  'headers without an end': 2,
};
/**
 * Node gives the peer a table. Node also accepts pushes until the peer has acknowledged the settings that
 * forbid them, which this peer never does.
 */
const ALLOWED_BY_NODE = ['a table size that was not given', 'a push'];

const BROKEN: [string, number, (streamId: number) => Buffer][] = [
  ['an index into the dynamic table', CODE.compressionError, (id) => frame(1, endHeaders, id, '88be')],
  ['a name from the dynamic table', CODE.compressionError, (id) => frame(1, endHeaders, id, '887f000161')],
  ['index 0', CODE.compressionError, (id) => frame(1, endHeaders, id, '8880')],
  ['a table size that was not given', CODE.compressionError, (id) => frame(1, endHeaders, id, '3fe11f88')],
  ['a table size within a block', CODE.compressionError, (id) => frame(1, endHeaders, id, '8820')],
  ['a block that ends within a number', CODE.compressionError, (id) => frame(1, endHeaders, id, '88ff')],
  ['a block that ends within a string', CODE.compressionError, (id) => frame(1, endHeaders, id, '88000561')],
  [
    'a number without an end',
    CODE.compressionError,
    (id) => frame(1, endHeaders, id, `ff${'ff'.repeat(9)}00`),
  ],
  ['a status in bad Huffman code', CODE.compressionError, (id) => frame(1, endHeaders, id, '0882ffff')],
  ['a push', CODE.protocolError, (id) => frame(5, endHeaders, id, '0000000288')],
  [
    'headers on a stream that was never opened',
    CODE.protocolError,
    (id) => frame(1, endHeaders, id + 2, '88'),
  ],
  ['headers on a stream of the peer', CODE.protocolError, () => frame(1, endHeaders, 2, '88')],
  ['data on the connection', CODE.protocolError, () => frame(0, 0, 0, '00')],
  ['a reset of a stream that was never opened', CODE.protocolError, (id) => frame(3, 0, id + 2, '00000000')],
  [
    'a window for a stream that was never opened',
    CODE.protocolError,
    (id) => frame(8, 0, id + 2, '00000001'),
  ],
  ['a window increment of 0', CODE.protocolError, () => frame(8, 0, 0, '00000000')],
  ['a window beyond 2^31', CODE.flowControlError, () => frame(8, 0, 0, '7fffffff')],
  ['an initial window beyond 2^31', CODE.flowControlError, () => settings({ 4: 2 ** 31 })],
  ['a frame size below the least', CODE.protocolError, () => settings({ 5: 100 })],
  ['settings that switch pushes on', CODE.protocolError, () => settings({ 2: 1 })],
  ['settings of a stream', CODE.protocolError, (id) => frame(4, 0, id, '')],
  ['settings of an odd size', CODE.frameSizeError, () => frame(4, 0, 0, '0000')],
  ['an acknowledgement with settings', CODE.frameSizeError, () => frame(4, 1, 0, '000400000001')],
  ['a short ping', CODE.frameSizeError, () => frame(6, 0, 0, '00')],
  ['a ping of a stream', CODE.protocolError, (id) => frame(6, 0, id, '0000000000000000')],
  ['a short reset', CODE.frameSizeError, (id) => frame(3, 0, id, '00')],
  ['a short goaway', CODE.frameSizeError, () => frame(7, 0, 0, '00000000')],
  ['a long window update', CODE.frameSizeError, () => frame(8, 0, 0, '0000000100')],
  ['a frame that is too large', CODE.frameSizeError, (id) => frame(0, 0, id, Buffer.alloc(16_385))],
  ['padding longer than the data', CODE.protocolError, (id) => frame(0, padded, id, '0500')],
  ['padding longer than the headers', CODE.protocolError, (id) => frame(1, padded | endHeaders, id, '0288')],
  ['padded data without a length', CODE.frameSizeError, (id) => frame(0, padded, id, '')],
  ['a priority longer than the headers', CODE.protocolError, (id) => frame(1, priority, id, '88')],
  ['a continuation of nothing', CODE.protocolError, (id) => frame(9, endHeaders, id, '88')],
  [
    'a frame between headers and their continuation',
    CODE.protocolError,
    (id) => Buffer.concat([frame(1, 0, id, '88'), frame(6, 0, 0, '0000000000000000')]),
  ],
  [
    'a continuation of another stream',
    CODE.protocolError,
    (id) => Buffer.concat([frame(1, 0, id, '88'), frame(9, endHeaders, id + 2, '')]),
  ],
  [
    'headers without an end',
    CODE.enhanceYourCalm,
    (id) => Buffer.concat([frame(1, 0, id, '88'), ...Array(50).fill(frame(9, 0, id, ''))]),
  ],
];

describe.each(CLIENTS)('%s', (client) => {
  const openPool = openPoolWith(client);

  const broken = BROKEN.filter(([name]) => client === 'own' || !ALLOWED_BY_NODE.includes(name));
  test.each(broken)('%s ends the connection', async (name, code, say) => {
    const peer = await openAnsweringPeer((streamId, { socket }) => {
      if (streamId === 3) socket.write(say(streamId));
      else socket.write(ok(streamId));
    });
    const pool = openPool(peer);
    expect(await send(pool)).toEqual(ACCEPTED);
    expect(await send(pool)).toEqual(UNKNOWN);
    expect(await send(pool)).toEqual(ACCEPTED);
    const [first] = peer.connections;
    await expect.poll(() => goaways(first)).toEqual([client === 'own' ? code : (CODE_OF_NODE[name] ?? code)]);
  });
});
