import { beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, createTestApp, type TestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
let other: TestApp;
beforeAll(async () => {
  other = await createTestApp(api);
});

const headers = { authorization: `Bearer ${ADMIN_KEY}` };
const makeKey = (appId: string, payload: object) =>
  api.app.inject({ method: 'POST', url: `/v1/apps/${appId}/keys`, payload, headers });

test('a key is shown once, and only its hash is stored', async () => {
  const made = (await makeKey(app.appId, { role: 'marketer', name: 'Ada' })).json();
  expect(made.key).toMatch(/^sbk_[0-9A-Za-z]{43}$/);
  expect(made.personId).toMatch(/^person-[0-9a-z]{10}$/);
  const stored = await api.deps.db.selectFrom('keys').selectAll().where('id', '=', made.id).execute();
  expect(JSON.stringify(stored)).not.toContain(made.key);
  const listed = await app.call('operator', 'GET', '/v1/keys');
  expect(listed.body).not.toContain(made.key);
  expect(listed.json().items).toContainEqual(
    expect.objectContaining({ id: made.id, role: 'marketer', name: 'Ada', revokedAt: null }),
  );
});

test('an SDK key belongs to no person', async () => {
  expect((await makeKey(app.appId, { role: 'sdk' })).json()).toMatchObject({ role: 'sdk', personId: null });
});

test('a role that does not exist, a missing name and an app that does not exist are refused', async () => {
  expect((await makeKey(app.appId, { role: 'boss', name: 'Ada' })).statusCode).toBe(400);
  expect((await makeKey(app.appId, { role: 'marketer' })).json().errors).toMatchObject([
    { pointer: '/name' },
  ]);
  expect((await makeKey('app-0000000000', { role: 'sdk' })).statusCode).toBe(404);
});

test('a revoked key is refused at once', async () => {
  const { id, key } = (await makeKey(app.appId, { role: 'marketer', name: 'Leaver' })).json();
  const asLeaver = () => api.app.inject({ url: '/v1/app', headers: { authorization: `Bearer ${key}` } });
  expect((await asLeaver()).statusCode).toBe(200);
  expect((await app.call('operator', 'DELETE', `/v1/keys/${id}`)).statusCode).toBe(204);
  expect((await asLeaver()).statusCode).toBe(401);
});

test("another app's keys are neither seen nor revoked", async () => {
  const { id } = (await makeKey(other.appId, { role: 'marketer', name: 'Bob' })).json();
  expect((await app.call('operator', 'DELETE', `/v1/keys/${id}`)).statusCode).toBe(404);
  const ids = (await app.call('operator', 'GET', '/v1/keys?limit=200')).json().items;
  expect(ids).not.toContainEqual(expect.objectContaining({ id }));
});

test('keys come in pages that together hold each key once', async () => {
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = (await app.call('operator', 'GET', `/v1/keys?limit=2${query}`)).json();
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map((key: { id: string }) => key.id));
    cursor = page.nextCursor;
  }
  const all = (await app.call('operator', 'GET', '/v1/keys?limit=200')).json().items;
  expect(seen).toEqual(all.map((key: { id: string }) => key.id));
  expect(new Set(seen).size).toBe(seen.length);
});

test('a foreign cursor, a limit out of range and an unknown parameter are each named', async () => {
  expect((await app.call('operator', 'GET', '/v1/keys?cursor=bm9uc2Vuc2U')).json().errors).toEqual([
    { parameter: 'cursor', detail: 'is not a cursor of this list' },
  ]);
  const faults = (await app.call('operator', 'GET', '/v1/keys?limit=201&offset=3')).json().errors;
  expect(faults.map((fault: { parameter: string }) => fault.parameter).toSorted()).toEqual([
    'limit',
    'offset',
  ]);
});

test.each([
  '',
  'Basic abc',
  'Bearer',
  'Bearer sbk_wrong',
  `Bearer ${'x'.repeat(500)}`,
])('the authorization %j is refused with 401', async (authorization) => {
  const answer = await api.app.inject({ url: '/v1/keys', headers: { authorization } });
  expect([answer.statusCode, answer.json().code]).toEqual([401, 'unauthorized']);
});
