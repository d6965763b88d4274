import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openPeer, openPoolWith, send } from '../../test/h2-rig.ts';
import { CODE_LENGTHS, decodeHuffman } from './huffman.ts';

/** Every byte from 0 to 255, encoded by the Python package hpack 4.2. */
const ALL_BYTES =
  'ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfff' +
  'ffebfffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdf' +
  'fffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50' +
  'ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426de' +
  'fe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73ff' +
  'feeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9f' +
  'fffcdffff9fffffbffffdafffeeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fff' +
  'ff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff' +
  '1fffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8ffff' +
  'fb7fff97fff8fffffe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9' +
  'fffff97fffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffff' +
  'a7ffffd7fffff9bffffecfffffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7f' +
  'fffff0fffffbbf';

/** A value that RFC 9113 allows and that node:http2 encodes. */
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,80}[!-~])?$/);

test('the code is complete and decodes every byte', () => {
  expect(CODE_LENGTHS).toHaveLength(257);
  expect(CODE_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
  const bytes = Buffer.from(decodeHuffman(Buffer.from(ALL_BYTES, 'hex')), 'latin1');
  expect([...bytes]).toEqual([...Array(256).keys()]);
});

test('values that node:http2 encodes are decoded', async () => {
  const values = new Map<string, string>();
  const peer = await openPeer((stream, path) => {
    stream.respond({ ':status': 429, 'retry-after': values.get(path) }, { endStream: true });
  });
  const pool = openPoolWith('own')(peer);
  let n = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 30 }), async (batch) => {
      const sent = batch.map((each) => {
        const path = `/${n++}`;
        values.set(path, each);
        return send(pool, path);
      });
      const answers = await Promise.all(sent);
      expect(answers).toEqual(
        batch.map((each) => expect.objectContaining({ status: 429, retryAfter: each })),
      );
    }),
    { numRuns: 40 },
  );
});

test.each([
  ['padding of a whole byte', '1fff'],
  ['padding that is not all ones', '18'],
  ['the end of a string within it', 'ffffffff'],
])('%s is malformed', (_name, hex) => {
  expect(() => decodeHuffman(Buffer.from(hex, 'hex'))).toThrow(/not valid Huffman/);
});
