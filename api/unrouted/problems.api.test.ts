import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { createTestApp, startTestApi, useServer, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
const server = useServer(api);

/** Sends bytes over a socket and reads the answer until the end. */
async function send(bytes: string) {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(bytes);
  const answer = await text(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    type: /^content-type: (.*?)(?:;.*)?$/im.exec(head)?.[1],
    body: JSON.parse(body),
  };
}
const get = (path: string, more = '') =>
  send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${more}\r\n`);

const LONG = 'x'.repeat(20_000);

test.each([
  ['a path that is not valid', () => get('/v1/devices/%ff'), 400, 'invalid_request'],
  ['a percent sign', () => get('/v1/tasks/100%'), 400, 'invalid_request'],
  ['a path that does not exist', () => get('/v1/nothing'), 404, 'not_found'],
  ['a file that does not exist', () => get('/docs/static/nothing.js'), 404, 'not_found'],
  ['a method that the path lacks', () => get('/v1/receipts'), 405, 'method_not_allowed'],
  ['an unknown method', () => send('FOO / HTTP/1.1\r\nhost: localhost\r\n\r\n'), 400, 'invalid_request'],
  [
    'a method of another protocol',
    () => send('PROPFIND /v1/tasks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
    405,
    'method_not_allowed',
  ],
  [
    'TRACE',
    () => send('TRACE /v1/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
    404,
    'not_found',
  ],
  ['HTTP/2', () => send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 400, 'invalid_request'],
  [
    'a chunk that is no chunk',
    () =>
      send(
        `POST /v1/subgroups HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${app.keys.marketer}\r\n` +
          'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\nzz\r\n',
      ),
    400,
    'invalid_request',
  ],
  ['a long ID', () => get(`/v1/tasks/${'x'.repeat(5_000)}`), 414, 'uri_too_long'],
  ['a long query', () => get(`/v1/tasks?search=${LONG}`), 414, 'uri_too_long'],
  ['a long header', () => get('/v1/tasks', `x-long: ${LONG}\r\n`), 431, 'headers_too_large'],
  ['bytes that are no HTTP', () => send('hello\r\n\r\n'), 400, 'invalid_request'],
  [
    'a missing host',
    () => send('GET /v1/tasks HTTP/1.1\r\nconnection: close\r\n\r\n'),
    400,
    'invalid_request',
  ],
  ['an expectation', () => get('/v1/tasks', 'expect: a-miracle\r\n'), 417, 'expectation_failed'],
  [
    'two lengths of the body',
    () => send('POST /v1/tasks HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'),
    400,
    'invalid_request',
  ],
])('%s is answered with a problem', async (_what, ask, status, code) => {
  const answer = await ask();
  expect(answer).toMatchObject({ status, type: 'application/problem+json', body: { status, code } });
  expect(answer.body.instance).toMatch(/^[0-9a-f-]{36}$/);
});

test('a method that a path lacks is answered with those that it has', async () => {
  const answer = await api.app.inject({ method: 'PUT', url: '/v1/tasks/task-1?x=1' });
  expect(answer.headers.allow).toBe('DELETE, GET, HEAD, PATCH');
  expect(answer.json().detail).toContain('does not take PUT');
});

const post = (url: string, payload: string | Buffer, headers: Record<string, string>) =>
  api.app.inject({
    method: 'POST',
    url,
    payload,
    headers: { authorization: `Bearer ${app.keys.marketer}`, ...headers },
  });

test.each([
  ['/v1/tasks', 'application/json'],
  ['/v1/devices/import', 'text/csv or application/x-ndjson'],
  ['/v1/audiences/upload?name=A', 'text/csv or text/plain or application/x-ndjson'],
])('415 of %s names the types that are taken', async (url, taken) => {
  for (const type of ['multipart/form-data; boundary=x', 'application/pdf', 'image/png', 'nonsense']) {
    const answer = await post(url, 'content', { 'content-type': type });
    expect(answer.json(), type).toMatchObject({
      code: 'unsupported_media_type',
      detail: expect.stringContaining(taken),
      errors: [{ header: 'content-type', detail: expect.stringContaining(`"${type}"`) }],
    });
  }
  expect((await post(url, 'content', {})).json().errors[0].detail).toContain('is missing');
});

const json = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  post('/v1/subgroups', payload, { 'content-type': 'application/json', ...headers });

test('a body that is no JSON is refused with the place of the fault', async () => {
  const cut = await json('{"name": "Spring", }');
  expect([cut.statusCode, cut.json().code]).toEqual([400, 'invalid_json']);
  expect(cut.json().detail).toContain('position 19');
  expect((await json(Buffer.from('{"name":"h\xf6her"}', 'latin1'))).json().detail).toContain('UTF-8');
  expect((await json('{"__proto__":{}}')).json().detail).toContain('__proto__');
  const packed = await json('{}', { 'content-encoding': 'gzip' });
  expect([packed.statusCode, packed.json().errors[0].header]).toEqual([415, 'content-encoding']);
});

test('a body beyond the limit is refused with the limit', async () => {
  const answer = await json(JSON.stringify({ name: 'x'.repeat(1_100_000) }));
  expect([answer.statusCode, answer.json().detail]).toEqual([
    413,
    'The body exceeds the limit of 1048576 bytes',
  ]);
});

test('an API that is closing answers a problem', async () => {
  const other = await startTestApi();
  const arrived: Socket[] = [];
  other.app.server.on('connection', (one) => arrived.push(one));
  const url = new URL(await other.app.listen({ host: '127.0.0.1', port: 0 }));
  // The open request keeps the connection from being closed.
  const open = request(url, { method: 'POST', path: '/v1/tasks', headers: { 'content-length': 5 } });
  open.on('error', () => undefined);
  open.write('{');
  const socket = connect(Number(url.port), '127.0.0.1');
  socket.write('GET /v1/tasks HTTP/1.1\r\nhost: a\r\n');
  await expect.poll(() => arrived.filter(({ bytesRead }) => bytesRead > 0)).toHaveLength(2);
  const closing = other.stop();
  await expect.poll(() => other.app.server.listening).toBe(false);
  socket.write('\r\n');
  const answer = await text(socket);
  open.destroy();
  await closing;
  expect(answer).toContain('HTTP/1.1 503');
  expect(answer).toContain('application/problem+json');
});
