import { once } from 'node:events';
import {
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdentity } from '../../dev/simulators/certificate.ts';
import { listen } from '../../dev/simulators/listen.ts';
import { atEnd, openPoolWith } from '../../test/h2-rig.ts';
import { requestHead } from '../connection/request-head.ts';
import type { H2Pool } from '../h2/h2-pool.ts';
import { ALWAYS_OPEN } from '../push-service.ts';

const openPool = openPoolWith('own');
const identity = await createIdentity();

interface Echo {
  readonly url: URL;
  readonly ca: string;
  readonly seen: Map<string, string[]>;
  readonly sessions: Http2Session[];
}

/** Records the headers of each path as node:http2 decodes them. */
async function openEcho(headerTableSize?: number): Promise<Echo> {
  const seen = new Map<string, string[]>();
  const sessions: Http2Session[] = [];
  const server = createSecureServer({
    key: identity.key,
    cert: identity.cert,
    ...(headerTableSize === undefined ? {} : { settings: { headerTableSize } }),
  });
  server.on('session', (session) => sessions.push(session));
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      seen.set(String(headers[':path']), raw);
      stream.resume();
      stream.respond({ ':status': 200 }, { endStream: true });
    },
  );
  const close = await listen(server, 0);
  atEnd(close);
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`https://127.0.0.1:${port}`), ca: identity.ca, seen, sessions };
}

let nextPath = 0;

async function expectToArrive(
  pool: H2Pool,
  echo: Echo,
  heads: readonly (readonly string[])[],
): Promise<void> {
  const paths = heads.map(() => `/${nextPath++}/${'p'.repeat(nextPath % 200)}`);
  const made = new Map(heads.map((headers) => [headers, requestHead(headers)]));
  const answers = await Promise.all(
    heads.map((headers, n) => {
      const head = made.get(headers) ?? requestHead(headers);
      return pool.request({ head, path: paths[n] ?? '', body: '{}' }, ALWAYS_OPEN);
    }),
  );
  expect(answers.map(({ kind }) => kind)).toEqual(heads.map(() => 'answer'));
  for (const [n, headers] of heads.entries()) {
    const raw = echo.seen.get(paths[n] ?? '') ?? [];
    const pseudo = [':path', paths[n], ':method', 'POST', ':scheme', 'https', ':authority', echo.url.host];
    expect(raw).toEqual([...pseudo, ...headers]);
  }
}

const name = fc.oneof(
  fc.constantFrom('authorization', 'content-type', 'apns-topic', 'apns-expiration', 'apns-collapse-id'),
  fc.stringMatching(/^x-[a-z0-9-]{1,20}$/),
);
const value = fc.oneof(
  fc.constantFrom('', '10', 'alert', 'a'.repeat(126), 'b'.repeat(127), 'c'.repeat(300), 'd'.repeat(5000)),
  fc.stringMatching(/^[!-~](?:[\t -~]{0,60}[!-~])?$/),
);
const headers = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((pairs) => pairs.flat());
/** Few heads, used again and again, as the pushes of a worker do. */
const requests = fc
  .array(headers, { minLength: 1, maxLength: 4 })
  .chain((heads) => fc.array(fc.constantFrom(...heads), { minLength: 1, maxLength: 40 }));

test.each([
  undefined,
  4096,
  300,
  64,
  0,
  65_536,
])('headers arrive exactly where the peer has a table of %s bytes', async (headerTableSize) => {
  const echo = await openEcho(headerTableSize);
  const pool = openPool(echo, { maxSessions: 1 });
  await fc.assert(
    fc.asyncProperty(requests, (heads) => expectToArrive(pool, echo, heads)),
    { numRuns: 40 },
  );
  expect(echo.sessions).toHaveLength(1);
});

test('headers arrive exactly while the peer changes its table', async () => {
  const echo = await openEcho();
  const pool = openPool(echo, { maxSessions: 1 });
  await expectToArrive(pool, echo, [[]]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(0, 40, 64, 128, 1000, 4096), requests), { maxLength: 6 }),
      async (steps) => {
        const [session] = echo.sessions;
        if (session === undefined) throw new Error('there is no session');
        for (const [headerTableSize, heads] of steps) {
          session.settings({ headerTableSize });
          // Requests under way at the time of the change have to fit, too.
          await Promise.all([once(session, 'localSettings'), expectToArrive(pool, echo, heads)]);
        }
      },
    ),
    { numRuns: 25 },
  );
  expect(echo.sessions).toHaveLength(1);
});

test('headers that many requests share cost a few bytes per request', async () => {
  const echo = await openEcho();
  const pool = openPool(echo, { maxSessions: 1 });
  const shared = requestHead(['authorization', 'b'.repeat(300), 'apns-topic', 't'.repeat(50)]);
  const request = { head: shared, path: '/same', body: '' };
  await pool.request(request, ALWAYS_OPEN);
  const [session] = echo.sessions;
  const before = Number(session?.socket.bytesRead);
  await Promise.all(Array.from({ length: 100 }, () => pool.request(request, ALWAYS_OPEN)));
  // Two frame headers of 9 bytes, the path, five indices, and the share of the TLS records.
  expect((Number(session?.socket.bytesRead) - before) / 100).toBeLessThan(40);
});

test('headers longer than a frame continue in the next', async () => {
  const echo = await openEcho();
  const pool = openPool(echo, { maxSessions: 1 });
  await expectToArrive(pool, echo, [
    ['x-long', 'l'.repeat(40_000)],
    ['x-short', 's'],
    ['x-long', 'm'.repeat(16_384)],
  ]);
});

test.each([
  ['an upper-case name', ['X-A', 'a']],
  ['a pseudo-header', [':path', '/']],
  ['an empty name', ['', 'a']],
  ['a header of a connection', ['transfer-encoding', 'chunked']],
  ['a line break', ['x-a', 'a\r\nx-b: b']],
  ['a null', ['x-a', 'a\0']],
  ['a space at the end', ['x-a', 'a ']],
  ['a letter beyond ASCII', ['x-a', 'ä']],
  ['no value', ['x-a']],
])('a request with %s is never written', (_name, fields) => {
  expect(() => requestHead(fields)).toThrow(TypeError);
});

test('a request with an invalid path is never written', async () => {
  const pool = openPool(await openEcho());
  for (const path of ['', 'x', '/a b', '/a\r\n', '/ä', `/${'a'.repeat(5000)}`]) {
    expect(() => pool.request({ head: requestHead([]), path, body: '' }, ALWAYS_OPEN)).toThrow(TypeError);
  }
});
