import { Readable } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const LIST = '/v1/audiences/upload?name=List';
const IMPORT = '/v1/devices/import';
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `device-${String(from + n).padStart(6, '0')}\n`).join('');
const devices = (from: number, to: number) =>
  `device_id,platform\n${ids(from, to).replaceAll('\n', ',ios\n')}`;

interface Upload {
  readonly url?: string;
  readonly key: string;
  readonly file: string | readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a file with its length, or in chunks without it. */
async function send({ url = LIST, key, file, headers = {} }: Upload) {
  const answer = await api.app.inject({
    method: 'POST',
    url,
    payload: typeof file === 'string' ? file : Readable.from(file.map((part) => Buffer.from(part))),
    headers: {
      authorization: `Bearer ${app.keys.marketer}`,
      'content-type': url === IMPORT ? 'text/csv' : 'text/plain',
      'idempotency-key': key,
      ...headers,
    },
  });
  return {
    status: answer.statusCode,
    code: answer.json().code,
    replayed: answer.headers['idempotency-replayed'],
    body: answer.json(),
  };
}

const REUSED = { status: 422, code: 'idempotency_key_reused' };

test.each([
  ['a list', LIST, ids, 201],
  ['an import', IMPORT, devices, 200],
])('another file of equal length under the key of %s is refused, and changes nothing', async (what, url, rows, status) => {
  const key = `equal-length-${what}`.replaceAll(' ', '-');
  const first = await send({ url, key, file: rows(0, 1_000) });
  expect(first.status).toBe(status);
  expect(await send({ url, key, file: rows(5_000, 6_000) })).toMatchObject(REUSED);
  expect((await app.call('marketer', 'GET', '/v1/devices/device-005000')).statusCode).toBe(404);
  expect(await send({ url, key, file: rows(0, 1_000) })).toEqual({ ...first, replayed: 'true' });
});

test('the bytes count, not how they are cut into chunks', async () => {
  const key = 'in-chunks-1';
  const file = ids(0, 2_000);
  const first = await send({ key, file: [file.slice(0, 777), file.slice(777)] });
  expect(first).toMatchObject({ status: 201, body: { members: 2_000 } });
  expect(await send({ key, file: [file.slice(0, 5), file.slice(5, 100), file.slice(100)] })).toEqual({
    ...first,
    replayed: 'true',
  });
  expect(await send({ key, file })).toMatchObject({ status: 201, replayed: 'true' });
  expect(await send({ key, file: [ids(0, 500)] })).toMatchObject(REUSED);
  expect(await send({ key, file: [file, 'x'] })).toMatchObject(REUSED);
  expect(await send({ key, file: '' })).toMatchObject(REUSED);
});

test('the query and the content type belong to the request', async () => {
  const file = ids(0, 10);
  expect((await send({ key: 'identity-1', file })).status).toBe(201);
  const ofUsers = await send({ key: 'identity-1', file, url: `${LIST}&ids=user` });
  expect(ofUsers).toMatchObject(REUSED);
  const asCsv = { 'content-type': 'text/csv' };
  expect(await send({ key: 'identity-1', file, headers: asCsv })).toMatchObject(REUSED);
});

test('another file is refused also when the process of the first died before its answer', async () => {
  const key = 'died-before-1';
  const first = await send({ key, file: ids(0, 50) });
  const die = async () => {
    await api.deps.pool.query('update idempotency_keys set status = null where key = $1', [key]);
    api.clock.advance(61_000);
  };
  await die();
  expect(await send({ key, file: ids(50, 100) })).toMatchObject(REUSED);
  await die();
  expect(await send({ key, file: ids(0, 50) })).toEqual({ ...first, replayed: 'true' });
  expect(await send({ key, file: ids(0, 50) })).toEqual({ ...first, replayed: 'true' });
  expect(await send({ key, file: ids(50, 100) })).toMatchObject(REUSED);
});
