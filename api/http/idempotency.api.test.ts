import { beforeAll, expect, test } from 'vitest';
import { claimIdempotencyKey, deleteOldIdempotencyKeys } from '../../db/core/idempotency.ts';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const create = (key: string, body: object = { name: 'All', kind: 'all' }, from = app) =>
  from.call('marketer', 'POST', '/v1/audiences', body, { 'idempotency-key': key });
const count = async () => (await app.call('marketer', 'GET', '/v1/audiences?limit=200')).json().items.length;

test('a repeated request takes effect once, and gets the same answer', async () => {
  const first = await create('key-same-1');
  const before = await count();
  const second = await create('key-same-1');
  expect([second.statusCode, second.json()]).toEqual([201, first.json()]);
  expect(first.headers['idempotency-replayed']).toBeUndefined();
  expect(second.headers['idempotency-replayed']).toBe('true');
  expect(await count()).toBe(before);
});

test('simultaneous repeats take effect once, and get the answer or request_in_progress', async () => {
  const before = await count();
  const answers = await Promise.all(Array.from({ length: 8 }, () => create('key-storm-1')));
  const statuses = answers.map((answer) => answer.statusCode);
  expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
  expect(statuses).toContain(201);
  expect(await count()).toBe(before + 1);
});

test('the same key for a different request is refused', async () => {
  await create('key-other-1');
  const answer = await create('key-other-1', { name: 'Else', kind: 'all' });
  expect([answer.statusCode, answer.json().code]).toEqual([422, 'idempotency_key_reused']);
});

test('a refused request leaves its key free', async () => {
  expect((await create('key-free-1', { name: '', kind: 'all' })).statusCode).toBe(400);
  expect((await create('key-free-1')).statusCode).toBe(201);
});

test('a malformed key is reported with its header', async () => {
  expect((await create('short')).json().errors).toMatchObject([{ header: 'idempotency-key' }]);
});

test('another app may use the same key', async () => {
  const other = await createTestApp(api);
  const mine = (await create('key-shared-1')).json();
  const theirs = await create('key-shared-1', { name: 'All', kind: 'all' }, other);
  expect(theirs.statusCode).toBe(201);
  expect(theirs.json().id).not.toBe(mine.id);
});

test('the key of a request that died is released after a minute', async () => {
  const claim = async () =>
    claimIdempotencyKey(api.deps.db, {
      scope: app.appId,
      key: 'key-dead-1',
      requestHash: Buffer.alloc(32),
      now: await api.deps.clock(),
      abandonedAfterMs: 60_000,
    });
  expect(await claim()).toEqual({ state: 'claimed' });
  expect(await claim()).toEqual({ state: 'in_progress' });
  api.clock.advance(60_001);
  expect(await claim()).toEqual({ state: 'claimed' });
});

test('stored answers are sealed, and are deleted after a day', async () => {
  const body = { deviceId: 'd1', platform: 'ios' };
  const made = await app.call('sdk', 'POST', '/v1/devices', body, { 'idempotency-key': 'key-secret-1' });
  const rows = await api.deps.db.selectFrom('idempotency_keys').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(made.json().secret);
  api.clock.advance(25 * 3_600_000);
  await deleteOldIdempotencyKeys(api.deps.db, await api.deps.clock());
  expect(await api.deps.db.selectFrom('idempotency_keys').selectAll().execute()).toEqual([]);
});

test('a repeated answer has the headers of the first one', async () => {
  const { id } = (await create('key-list-1')).json();
  const task = {
    name: 'Sale',
    pushType: 'manual',
    audience: { id },
    content: { title: 'Sale', body: 'Today' },
  };
  const key = { 'idempotency-key': 'key-task-1' };
  const answers = [
    await app.call('marketer', 'POST', '/v1/tasks', task, key),
    await app.call('marketer', 'POST', '/v1/tasks', task, key),
  ];
  expect(answers.map(({ headers }) => [headers.etag, headers.location])).toEqual([
    ['"1"', `/v1/tasks/${answers[0]?.json().id}`],
    ['"1"', `/v1/tasks/${answers[0]?.json().id}`],
  ]);
  expect(answers[1]?.headers['idempotency-replayed']).toBe('true');
});
