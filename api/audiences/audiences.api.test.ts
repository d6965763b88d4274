import { beforeAll, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const upload = (payload: string, type = 'text/csv', url = '/v1/audiences/upload?name=File') =>
  api.app.inject({
    method: 'POST',
    url,
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': type },
    payload,
  });
const members = async (id: string, version = 1) => {
  const rows = await api.deps.db
    .selectFrom('audience_members')
    .select(['kind', 'id'])
    .where('audience_id', '=', id)
    .where('version', '=', version)
    .execute();
  return rows.map((row) => `${row.kind} ${row.id}`).toSorted();
};

test('the audience of all devices has no list of members', async () => {
  const made = await app.call('marketer', 'POST', '/v1/audiences', { name: 'Everybody', kind: 'all' });
  expect(made.statusCode).toBe(201);
  expect(made.json()).toMatchObject({ name: 'Everybody', kind: 'all', version: 1, members: null });
  const details = (await app.call('approver', 'GET', `/v1/audiences/${made.json().id}`)).json();
  expect(details.versions).toMatchObject([{ version: 1, members: null }]);
});

test('plain text holds device IDs, or user IDs with ids=user', async () => {
  const text = (query: string) => upload('u1\nu2\nu1', 'text/plain', `/v1/audiences/upload?name=T${query}`);
  expect(await members((await text('')).json().id)).toEqual(['0 u1', '0 u2']);
  const { id } = (await text('&ids=user')).json();
  expect(await members(id)).toEqual(['1 u1', '1 u2']);
  await upload('u3', 'text/plain', `/v1/audiences/${id}/upload?ids=user`);
  expect(await members(id, 2)).toEqual(['1 u3']);
  const csv = await upload('device_id\nd1', 'text/csv', '/v1/audiences/upload?name=C&ids=user');
  expect([csv.statusCode, csv.json().errors]).toMatchObject([400, [{ parameter: 'ids' }]]);
});

test('an upload of devices and users counts each once and reports the rest by line', async () => {
  const answer = await upload('device_id,user_id\nd1,\nd1,\n,u1\nd2,u2\n,\n"d3"x,\nd 4,\nd1');
  expect(answer.statusCode).toBe(201);
  expect(answer.json()).toMatchObject({
    version: 1,
    rows: 7,
    members: 2,
    repeated: 1,
    badRows: 4,
    reasons: { both_ids: 1, unbalanced_quotes: 1, invalid_id: 1, wrong_number_of_fields: 1 },
    errors: [
      { line: 5, field: null, reason: 'both_ids' },
      { line: 7, field: null, reason: 'unbalanced_quotes' },
      { line: 8, field: 'device_id', reason: 'invalid_id' },
      { line: 9, field: null, reason: 'wrong_number_of_fields' },
    ],
  });
  expect(await members(answer.json().id)).toEqual(['0 d1', '1 u1']);
});

test('plain text and NDJSON are understood', async () => {
  const text = (await upload(`d1\nd2\r\n\nd,3\n${'0'.repeat(16)}\n`, 'text/plain; charset=utf-8')).json();
  expect(text).toMatchObject({
    rows: 4,
    members: 3,
    badRows: 1,
    errors: [{ line: 5, field: 'device_id', reason: 'all_zeros' }],
  });
  expect(await members(text.id)).toEqual(['0 d,3', '0 d1', '0 d2']);
  const json = (
    await upload('{"deviceId":"d1"}\n{"userId":"u1"}\n{"userId":1}', 'application/x-ndjson')
  ).json();
  expect(json).toMatchObject({ members: 2, errors: [{ line: 3, field: 'user_id', reason: 'not_text' }] });
});

test('another upload is a new version; the old one stays as it was', async () => {
  const { id } = (await upload('device_id\na\nb')).json();
  const next = await upload('device_id\nc', 'text/csv', `/v1/audiences/${id}/upload`);
  expect([next.statusCode, next.json().version]).toEqual([201, 2]);
  expect([await members(id, 1), await members(id, 2)]).toEqual([['0 a', '0 b'], ['0 c']]);
  const details = (await app.call('marketer', 'GET', `/v1/audiences/${id}`)).json();
  expect(details.versions).toMatchObject([
    { version: 2, members: 1, source: { format: 'text/csv', rows: 1, badRows: 0, repeated: 0 } },
    { version: 1, members: 2 },
  ]);
});

test('uploads at the same moment become versions one after the other', async () => {
  const { id } = (await upload('device_id\na')).json();
  const url = `/v1/audiences/${id}/upload`;
  const answers = await Promise.all(
    ['b', 'c', 'd'].map((name) => upload(`device_id\n${name}`, 'text/csv', url)),
  );
  expect(answers.map((answer) => answer.json().version).toSorted()).toEqual([2, 3, 4]);
});

test('only an uploaded audience accepts another upload', async () => {
  const { id } = (await app.call('marketer', 'POST', '/v1/audiences', { name: 'All', kind: 'all' })).json();
  expect((await upload('device_id\na', 'text/csv', `/v1/audiences/${id}/upload`)).statusCode).toBe(404);
});

test("another app's audience is not found", async () => {
  const { id } = (await upload('device_id\na')).json();
  const other = await createTestApp(api);
  expect((await other.call('operator', 'GET', `/v1/audiences/${id}`)).statusCode).toBe(404);
  const headers = { 'content-type': 'text/plain' };
  expect(
    (await other.call('operator', 'POST', `/v1/audiences/${id}/upload`, undefined, headers)).statusCode,
  ).toBe(404);
  expect((await other.call('operator', 'GET', '/v1/audiences')).json()).toEqual({
    items: [],
    nextCursor: null,
  });
});

test('approvers read audiences and do not change them', async () => {
  expect((await app.call('approver', 'GET', '/v1/audiences')).statusCode).toBe(200);
  const refused = await app.call('approver', 'POST', '/v1/audiences', { name: 'x', kind: 'all' });
  expect(refused.statusCode).toBe(403);
});

test('audiences come newest first, in pages', async () => {
  const page = (await app.call('marketer', 'GET', '/v1/audiences?limit=2')).json();
  const rest = (
    await app.call('marketer', 'GET', `/v1/audiences?limit=200&cursor=${page.nextCursor}`)
  ).json();
  const all = (await app.call('marketer', 'GET', '/v1/audiences?limit=200')).json();
  expect([...page.items, ...rest.items]).toEqual(all.items);
});

test('an upload without a name is refused', async () => {
  const answer = await upload('device_id\na', 'text/csv', '/v1/audiences/upload');
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ parameter: 'name' }] });
});
