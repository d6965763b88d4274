import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, createTestApp, useServer, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const MB = 1_048_576;
const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
const server = useServer(api);

function post(path: string, type: string, key: string, headers: Record<string, string> = {}): ClientRequest {
  const given = { authorization: `Bearer ${key}`, 'content-type': type, ...headers };
  return request({ host: '127.0.0.1', port: server.port, path, method: 'POST', headers: given });
}

/** Sends chunks until the server answers. Returns the number of bytes sent and the peak of the memory. */
async function sendEndlessly(sending: ClientRequest, chunk: Buffer) {
  let answer: IncomingMessage | undefined;
  sending.on('response', (response: IncomingMessage) => {
    answer = response;
  });
  // The server ends the connection after its answer, while chunks are still being sent.
  sending.on('error', () => undefined);
  const over = Promise.race(
    ['response', 'close'].map((event) => new Promise((end) => sending.once(event, end))),
  );
  let bytes = 0;
  let memory = 0;
  while (answer === undefined && !sending.destroyed && bytes < 2_000 * MB) {
    bytes += chunk.length;
    if (!sending.write(chunk)) await Promise.race([once(sending, 'drain').catch(() => undefined), over]);
    memory = Math.max(memory, process.memoryUsage().rss);
  }
  await over;
  sending.destroy();
  return { status: answer?.statusCode, bytes, memory };
}

async function openTransactions(): Promise<number> {
  const { rows } = await api.deps.pool.query<{ open: number }>(`
    select count(*) as open from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`);
  return rows[0]?.open ?? 0;
}

async function isImported(id: string): Promise<boolean> {
  return (await app.call('marketer', 'GET', `/v1/devices/${id}`)).statusCode === 200;
}

test('an endless upload is cut off with 413 at its limit, in flat memory, and leaves nothing', async () => {
  const before = process.memoryUsage().rss;
  const sending = post('/v1/devices/import', 'text/csv', app.keys.marketer);
  sending.write('device_id,platform\nendless,ios\n');
  const { status, bytes, memory } = await sendEndlessly(sending, Buffer.alloc(MB, 'x'));
  expect(status).toBe(413);
  expect(bytes).toBeLessThan(1_100 * MB);
  expect(memory - before).toBeLessThan(250 * MB);
  expect(await isImported('endless')).toBe(false);
});

test('an endless JSON body is cut off at 1 MB', async () => {
  const sending = post('/v1/apps', 'application/json', ADMIN_KEY);
  const { status, bytes } = await sendEndlessly(sending, Buffer.alloc(MB / 8, ' '));
  expect(status).toBe(413);
  expect(bytes).toBeLessThan(50 * MB);
});

test('a body whose Content-Length is too large is refused before it is sent', async () => {
  const length = { 'content-length': String(1_025 * MB) };
  const sending = post('/v1/devices/import', 'text/csv', app.keys.marketer, length);
  sending.on('error', () => undefined);
  sending.flushHeaders();
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(413);
  sending.destroy();
});

test('the body of a request without a valid key is not read', async () => {
  const { status, bytes } = await sendEndlessly(
    post('/v1/devices/import', 'text/csv', 'sbk_wrong'),
    Buffer.alloc(MB, 'x'),
  );
  expect(status).toBe(401);
  expect(bytes).toBeLessThan(50 * MB);
});

/** Audience files are stored in parts, each in a transaction of its own. */
async function storedMembers(): Promise<number> {
  const { rows } = await api.deps.pool.query<{ members: number }>(
    'select count(*) as members from audience_upload_members',
  );
  return rows[0]?.members ?? 0;
}

test.each([
  ['/v1/devices/import', 'device_id,platform\n', (i: number) => `cut${i},ios\n`, openTransactions],
  ['/v1/audiences/upload?name=Cut', 'device_id\n', (i: number) => `cut${i}\n`, storedMembers],
])('an interrupted upload to %s stores nothing', async (path, head, row, countStored) => {
  const sending = post(path, 'text/csv', app.keys.marketer);
  sending.on('error', () => undefined);
  sending.write(head + Array.from({ length: 20_001 }, (_, i) => row(i)).join(''));
  await expect.poll(countStored).toBeGreaterThan(0);
  sending.destroy();
  await expect.poll(openTransactions).toBe(0);
  expect(await isImported('cut0')).toBe(false);
  expect((await app.call('marketer', 'GET', '/v1/audiences')).json().items).toEqual([]);
  expect((await api.app.inject('/health/live')).statusCode).toBe(200);
});

test('uploads that stall leave connections for everybody else', async () => {
  const stalled = Array.from({ length: 12 }, () => post('/v1/devices/import', 'text/csv', app.keys.marketer));
  const refusals = stalled.map(async (sending) => {
    sending.on('error', () => undefined);
    sending.write('device_id,platform\n');
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    return answer.statusCode;
  });
  expect(await Promise.race(refusals)).toBe(503);
  expect((await app.call('marketer', 'GET', '/v1/app')).statusCode).toBe(200);
  for (const sending of stalled) sending.destroy();
  await Promise.allSettled(refusals);
  await expect.poll(openTransactions).toBe(0);
});
