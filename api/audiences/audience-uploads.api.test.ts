import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { dropOldUploads } from '../../db/audiences/upload-progress.ts';
import { createTestApp, useServer, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
const server = useServer(api);

/** Starts an upload over a real socket, which is sent in parts. */
function uploading(name: string, key?: string, offset = 0): ClientRequest {
  const sending = request({
    host: '127.0.0.1',
    port: server.port,
    path: `/v1/audiences/upload?name=${name}`,
    method: 'POST',
    headers: {
      authorization: `Bearer ${app.keys.marketer}`,
      'content-type': 'text/plain',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      'upload-offset': offset,
    },
  });
  sending.on('error', () => undefined);
  return sending;
}
async function answerOf(sending: ClientRequest) {
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.end();
  const [answer] = await answered;
  return {
    status: answer.statusCode,
    replayed: answer.headers['idempotency-replayed'],
    body: JSON.parse(await text(answer)),
  };
}
async function sendWhole(name: string, key: string, content: string, offset = 0) {
  const sending = uploading(name, key, offset);
  sending.write(content);
  return await answerOf(sending);
}
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `device-${from + n}\n`).join('');
const progressOf = async (key: string) => {
  const headers = { 'idempotency-key': key };
  const answer = await app.call('marketer', 'GET', '/v1/audiences/upload', undefined, headers);
  return { status: answer.statusCode, ...answer.json() };
};
/** Sends enough for a part to be stored, and disconnects in the middle. Returns the stored progress. */
async function cutOff(name: string, key: string, content: string, offset = 0) {
  const cut = uploading(name, key, offset);
  cut.write(content);
  await expect.poll(async () => (await progressOf(key)).offset ?? 0).toBeGreaterThan(offset);
  cut.destroy();
  await expect.poll(() => isKeyTaken(key)).toBe(false);
  return await progressOf(key);
}
/** More rows than are stored at a time. */
const MANY = 25_000;
const isKeyTaken = async (key: string) => {
  const { rows: found } = await api.deps.pool.query('select 1 from idempotency_keys where key = $1', [key]);
  return found.length === 1;
};
const underWay = async () => {
  const { rows: found } = await api.deps.pool.query(
    'select 1 from idempotency_keys where app_id = $1 and status is null',
    [app.appId],
  );
  return found.length;
};
const names = async () => {
  const { items } = (await app.call('marketer', 'GET', '/v1/audiences?limit=200')).json();
  return items.map((one: { name: string; members: number }) => `${one.name} ${one.members}`).toSorted();
};
const members = async (id: string) => {
  const found = api.deps.db.selectFrom('audience_members').select('id').where('audience_id', '=', id);
  return (await found.execute()).map((row) => row.id).toSorted();
};

test('an interrupted upload makes no audience, and resumes under its key to the same audience', async () => {
  const file = `${rows(0, MANY)}device 1\n${rows(MANY - 10, 3 * MANY)}device-last`;
  const first = await cutOff('Cut', 'upload-0001', file.slice(0, 15 * MANY));
  expect(first).toMatchObject({ status: 200, isDone: false });
  expect(first.rows).toBe(file.slice(0, first.offset).split('\n').length - 1);
  expect(await names()).toEqual([]);
  const second = await cutOff('Cut', 'upload-0001', file.slice(first.offset, -5), first.offset);
  const rest = file.slice(second.offset);
  const done = await sendWhole('Cut', 'upload-0001', rest, second.offset);
  expect(done).toMatchObject({ status: 201, replayed: undefined });
  expect(done.body).toMatchObject({ rows: 3 * MANY + 12, members: 3 * MANY + 1, repeated: 10, badRows: 1 });
  expect(done.body.errors).toEqual([{ line: MANY + 1, field: 'device_id', reason: 'invalid_id' }]);
  expect(await members(done.body.id)).toEqual([
    ...[
      ...rows(0, 3 * MANY)
        .trim()
        .split('\n'),
      'device-last',
    ].toSorted(),
  ]);
  expect(await names()).toEqual([`Cut ${3 * MANY + 1}`]);
  expect(await sendWhole('Cut', 'upload-0001', rest, second.offset)).toMatchObject({ replayed: 'true' });
  expect(await progressOf('upload-0001')).toMatchObject({ isDone: true });
});

test('a wrong offset is refused with the stored offset, and offset 0 starts over', async () => {
  const { offset } = await cutOff('Restart', 'upload-0002', rows(0, MANY));
  const wrong = await sendWhole('Restart', 'upload-0002', rows(4_000, 5_000), offset + 1);
  expect(wrong).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(wrong.body.errors).toEqual([
    { header: 'upload-offset', detail: `does not match the stored offset, ${offset}` },
  ]);
  expect(await sendWhole('Other', 'upload-0002', rows(0, 10), offset)).toMatchObject({
    status: 409,
    body: { errors: [{ detail: 'does not match the stored offset, 0' }] },
  });
  expect((await progressOf('upload-0002')).offset).toBe(offset);
  const restarted = await sendWhole('Restart', 'upload-0002', rows(7_000, 7_100));
  expect(restarted).toMatchObject({ status: 201, body: { rows: 100, members: 100 } });
  expect(await progressOf('upload-none')).toMatchObject({ status: 404 });
});

test('a file whose process died before its answer becomes one audience, and a retry gets that answer', async () => {
  const first = await sendWhole('Lost', 'upload-0003', rows(0, 50));
  await api.deps.pool.query(`update idempotency_keys set status = null where key = 'upload-0003'`);
  api.clock.advance(61_000);
  expect(await sendWhole('Lost', 'upload-0003', rows(0, 50))).toEqual({ ...first, replayed: 'true' });
});

test('a request resumes the upload of a dead process, and the old request is refused if it lives on', async () => {
  const slow = uploading('Alive', 'upload-0004');
  slow.write(rows(0, 30_000));
  await expect.poll(async () => (await progressOf('upload-0004')).rows).toBeGreaterThan(0);
  // Deleting the key simulates a process that stopped for a minute, so that another request may take over.
  await api.deps.pool.query(`delete from idempotency_keys where key = 'upload-0004'`);
  const { offset } = await progressOf('upload-0004');
  const rest = rows(0, 30_000).slice(offset);
  const done = await sendWhole('Alive', 'upload-0004', rest, offset);
  expect(done).toMatchObject({ status: 201, body: { members: 30_000, repeated: 0 } });
  expect(await answerOf(slow)).toMatchObject({ status: 409 });
  expect(await members(done.body.id)).toHaveLength(30_000);
});

test('an upload that is not resumed is deleted after a day, one without a key at once', async () => {
  await cutOff('Old', 'upload-0005', rows(0, MANY));
  const open = async () =>
    (await api.deps.pool.query('select key from audience_uploads where answer is null')).rows.length;
  const keyless = uploading('Keyless');
  keyless.write(rows(0, 10));
  await expect.poll(open).toBe(2);
  keyless.destroy();
  await expect.poll(open).toBe(1);
  await dropOldUploads(api.deps.db, new Date(api.clock.now.getTime() + 23 * 3_600_000));
  expect(await open()).toBe(1);
  await dropOldUploads(api.deps.db, new Date(api.clock.now.getTime() + 25 * 3_600_000));
  expect(await open()).toBe(0);
  expect((await api.deps.pool.query('select 1 from audience_upload_members')).rows).toEqual([]);
});

test('interleaved uploads stay separate, and the early end of one does not end the others', async () => {
  const [first, second, third] = [
    uploading('A', 'upload-000a'),
    uploading('B', 'upload-000b'),
    uploading('C', 'upload-000c'),
  ];
  for (let part = 0; part < 5; part++) {
    first.write(rows(part * 1_000, part * 1_000 + 1_000));
    second.write(rows(part * 1_000 + 500, part * 1_000 + 1_500));
    third.write(rows(0, 1_000));
  }
  await expect.poll(underWay).toBe(3);
  third.destroy();
  const answers = await Promise.all([answerOf(first), answerOf(second)]);
  expect(answers).toMatchObject([
    { status: 201, body: { rows: 5_000, members: 5_000, version: 1 } },
    { status: 201, body: { rows: 5_000, members: 5_000, version: 1 } },
  ]);
  expect((await names()).filter((name: string) => /^[ABC] /.test(name))).toEqual(['A 5000', 'B 5000']);
});

test('the key of a running upload stays claimed, however long the upload takes', async () => {
  const slow = uploading('Slow', 'upload-slow');
  slow.write(rows(0, 10));
  await expect.poll(() => isKeyTaken('upload-slow')).toBe(true);
  api.clock.advance(59_000);
  const since = async () => {
    const { rows: found } = await api.deps.pool.query<{ created_at: Date }>(
      `select created_at from idempotency_keys where key = 'upload-slow'`,
    );
    return found[0]?.created_at;
  };
  await expect.poll(since, { timeout: 15_000 }).toEqual(api.clock.now);
  api.clock.advance(59_000);
  const meanwhile = uploading('Slow', 'upload-slow');
  meanwhile.write(rows(0, 10));
  expect(await answerOf(meanwhile)).toMatchObject({ status: 409 });
  expect(await answerOf(slow)).toMatchObject({ status: 201, body: { members: 10 } });
});

test('an interrupted list of devices cannot be resumed as a list of users', async () => {
  const { offset } = await cutOff('Kind', 'upload-0009', rows(0, MANY));
  const asUsers = await sendWhole('Kind&ids=user', 'upload-0009', rows(0, 10), offset);
  expect(asUsers).toMatchObject({ status: 409, body: { errors: [{ header: 'upload-offset' }] } });
});

test.each([
  ['nothing', '', 'text/plain'],
  ['newlines only', '\n\n\n', 'text/plain'],
  ['an Excel workbook', 'PK\x03\x04 and so on', 'text/plain'],
  ['an HTML page', '<!DOCTYPE html><p>Log in', 'text/plain'],
  ['a JSON list', '["d1","d2"]', 'text/plain'],
  ['IDs with invisible characters', 'd\u200b1\n\u202ed2\n', 'text/plain'],
  ['a header alone', 'device_id\n', 'text/csv'],
])('%s makes no version of an audience', async (_what, file, type) => {
  const headers = { authorization: `Bearer ${app.keys.marketer}`, 'content-type': type };
  const send = (url: string, payload: string) =>
    api.app.inject({ method: 'POST', url, headers: { ...headers, 'content-type': type }, payload });
  const good = await api.app.inject({
    method: 'POST',
    url: '/v1/audiences/upload?name=Kept',
    headers: { ...headers, 'content-type': 'text/plain' },
    payload: 'd1\n',
  });
  const { id } = good.json();
  const answer = await send(`/v1/audiences/${id}/upload`, file);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors.length).toBeGreaterThan(0);
  const kept = (await app.call('marketer', 'GET', `/v1/audiences/${id}`)).json();
  expect(kept).toMatchObject({ version: 1, members: 1 });
});

test('a list in another encoding or compressed is read, and a heading is no ID', async () => {
  const headers = { authorization: `Bearer ${app.keys.marketer}`, 'content-type': 'text/plain' };
  const url = '/v1/audiences/upload?name=Encoded';
  const list = 'Device ID\r\nd-ü\r\n\u00a0d2 \r\n';
  const payloads = [
    Buffer.from(`\ufeff${list}`, 'utf16le'),
    gzipSync(list),
    Buffer.from(list.replaceAll('\n', '')),
  ];
  for (const payload of payloads) {
    const answer = (await api.app.inject({ method: 'POST', url, headers, payload })).json();
    expect(answer).toMatchObject({ rows: 2, members: 2, badRows: 0 });
    expect(await members(answer.id)).toEqual(['d-ü', 'd2']);
  }
});
