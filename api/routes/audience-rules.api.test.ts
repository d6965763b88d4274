import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { fixture } from '../../test/setup/fixture.ts';
import { createTestApp, useTestApi } from '../testing.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

const vip = { field: 'tags', op: 'any', value: ['vip'] };
const post = (body: object, who: 'marketer' | 'approver' = 'marketer') =>
  app.call(who, 'POST', '/v1/audiences', body);
const put = (id: string, body: object) => app.call('marketer', 'PUT', `/v1/audiences/${id}`, body);
const madeRule = async (rule: object): Promise<string> =>
  (await post({ name: 'Rule', kind: 'rule', rule })).json().id;
const combine = (op: string, ...ids: string[]) => ({ combination: { op, of: ids.map((id) => ({ id })) } });
const estimate = (body: object) => app.call('approver', 'POST', '/v1/audiences/estimate', body);
const pointers = (answer: { json(): { errors?: { pointer: string }[] } }) =>
  (answer.json().errors ?? []).map(({ pointer }) => pointer);

async function register(devices: readonly object[]): Promise<void> {
  const payload = devices.map((device) => JSON.stringify(device)).join('\n');
  const headers = { authorization: `Bearer ${app.keys.operator}`, 'content-type': 'application/x-ndjson' };
  const answer = await api.app.inject({ method: 'POST', url: '/v1/devices/import', headers, payload });
  expect(answer.json()).toMatchObject({ badRows: 0 });
}
const ios = (deviceId: string, more: object = {}) => ({
  ...{
    deviceId,
    platform: 'ios',
    token: Buffer.from(`${deviceId} of ${app.appId}`.padEnd(40)).toString('hex'),
  },
  attributes: { id: deviceId },
  ...more,
});

test('a rule is stored as it was written, and a change is its next version', async () => {
  const made = await post({ name: 'Regulars', kind: 'rule', rule: vip });
  expect([made.statusCode, made.json()]).toMatchObject([201, { kind: 'rule', version: 1, members: null }]);
  const { id } = made.json();
  const changed = await put(id, { rule: { not: vip } });
  expect([changed.statusCode, changed.json().version]).toEqual([200, 2]);
  const details = (await app.call('approver', 'GET', `/v1/audiences/${id}`)).json();
  expect(details).toMatchObject({
    refresh: null,
    versions: [
      { version: 2, source: { rule: { not: vip } } },
      { version: 1, source: { rule: vip } },
    ],
  });
});

test('every fault of a rule is answered with its place', async () => {
  const rule = {
    all: [
      { field: 'nope' },
      {
        any: [
          { ...vip, op: 'some' },
          { ...vip, more: 1 },
        ],
      },
      { not: [] },
    ],
  };
  const expected = ['/rule/all/0/field', '/rule/all/1/any/0/op', '/rule/all/1/any/1/more', '/rule/all/2/not'];
  for (const answer of [await post({ name: 'x', kind: 'rule', rule }), await estimate({ rule })]) {
    expect(answer.statusCode).toBe(400);
    expect(pointers(answer)).toEqual(expected);
  }
});

test('bombs are refused with a clear answer, and the next request is served', async () => {
  const many = await estimate({ rule: { any: new Array(10_000).fill(vip) } });
  expect(many.json()).toMatchObject({
    status: 400,
    errors: [{ pointer: '/rule', detail: 'must have at most 200 conditions and groups' }],
  });
  const levels = 100_000;
  const nested = (size: number) => `{"rule":${'{"not":'.repeat(size)}1${'}'.repeat(size)}}`;
  const send = (payload: string, url = '/v1/audiences/estimate') =>
    api.app.inject({
      ...{ method: 'POST' as const, url, payload },
      headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': 'application/json' },
    });
  const deep = await send(nested(levels));
  expect(deep.json()).toMatchObject({
    status: 400,
    errors: [{ detail: 'must not be deeper than 10 levels' }],
  });
  const named = `{"name":"x","kind":"rule",${nested(levels).slice(1)}`;
  expect((await send(named, '/v1/audiences')).statusCode).toBe(400);
  expect((await send('['.repeat(900_000) + ']'.repeat(100_000))).json()).toMatchObject({ status: 400 });
  expect((await send('['.repeat(10_000_000))).json()).toMatchObject({
    status: 413,
    code: 'payload_too_large',
  });
  expect((await estimate({ rule: vip })).statusCode).toBe(200);
});

test('an estimate counts the devices of a rule, and why some would get nothing', async () => {
  await register([
    ios('a', { tags: ['vip'], userId: 'u1' }),
    ios('b', { tags: ['vip'] }),
    { deviceId: 'c', platform: 'android', tags: ['vip'], userId: 'u1' },
    ios('d'),
  ]);
  await sql`update devices set unsubscribed_at = now() where device_id = 'b' and app_id = ${app.appId}`.execute(
    api.deps.db,
  );
  const answer = await estimate({ rule: vip });
  expect(answer.json()).toMatchObject({
    ...{ planned: 3, matched: 1, losses: { unsubscribed: 1, no_token: 1 }, suppressed: {} },
    platforms: { ios: { planned: 2, matched: 1 }, android: { planned: 1, matched: 0 } },
    asOf: api.clock.now.toISOString(),
  });
  expect(answer.json().sample).toEqual([
    { deviceId: 'a', userId: 'u1', platform: 'ios', reason: null },
    { deviceId: 'b', userId: null, platform: 'ios', reason: 'unsubscribed' },
    { deviceId: 'c', userId: 'u1', platform: 'android', reason: 'no_token' },
  ]);
  const narrow = await estimate({ rule: { not: vip }, platforms: ['android'] });
  expect(narrow.json()).toMatchObject({ planned: 1, matched: 0, losses: { other_platform: 1 } });
});

test('an estimate of an upload counts as a push would, with exclusions', async () => {
  await register([ios('a', { userId: 'u1' }), ios('b')]);
  const upload = await api.app.inject({
    ...{
      method: 'POST',
      url: '/v1/audiences/upload?name=File',
      payload: 'device_id,user_id\na,\nb,\nx,\n,u1\n,u9',
    },
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': 'text/csv' },
  });
  const { id } = upload.json();
  const only = await madeRule({ field: 'attribute', name: 'id', op: 'in', value: ['b'] });
  const answer = await estimate({ audience: { id }, exclusions: [{ id: only }] });
  expect(answer.json()).toMatchObject({
    ...{ planned: 5, matched: 2, suppressed: { excluded: 1 } },
    losses: { unknown_device: 1, unknown_user: 1, duplicate_device: 1 },
  });
});

test('audiences are united, intersected and taken from each other, each in the version that it had', async () => {
  await register(['a', 'b', 'c'].map((deviceId) => ios(deviceId)));
  const ids = (...value: string[]) => ({ field: 'attribute', name: 'id', op: 'in', value });
  const [ab, bc] = [await madeRule(ids('a', 'b')), await madeRule(ids('b', 'c'))];
  const planned = async (op: string) => (await estimate(combine(op, ab, bc))).json().planned;
  expect([await planned('union'), await planned('intersection'), await planned('difference')]).toEqual([
    3, 1, 1,
  ]);
  const made = await post({ name: 'Both', kind: 'combination', ...combine('intersection', ab, bc) });
  await put(ab, { rule: ids('a', 'b', 'c') });
  const both = { audience: { id: made.json().id } };
  expect((await estimate(both)).json().planned).toBe(1);
  expect((await put(made.json().id, combine('intersection', ab, bc))).json().version).toBe(2);
  expect((await estimate(both)).json().planned).toBe(2);
  expect((await estimate({ audience: { ...both.audience, version: 1 } })).json().planned).toBe(1);
});

test('an audience is not a part of itself, not through others either', async () => {
  const [a, b] = [await madeRule(vip), await madeRule({ not: vip })];
  const union = (await post({ name: 'U', kind: 'combination', ...combine('union', a, b) })).json().id;
  const self = await put(union, combine('union', a, union));
  expect([self.statusCode, self.json().errors]).toEqual([
    400,
    [{ pointer: '/combination/of/1/id', detail: 'the audience would be a part of itself' }],
  ]);
  const through = await put(a, { rule: { any: [vip, { field: 'audience', op: 'in', id: union }] } });
  expect(pointers(through)).toEqual(['/rule/any/1/id']);
});

test('audiences of another app, versions and pushes that do not exist are faults with their place', async () => {
  const other = await createTestApp(api);
  const foreign = (await other.call('operator', 'POST', '/v1/audiences', { name: 'x', kind: 'all' })).json()
    .id;
  const own = await madeRule(vip);
  const rule = {
    any: [
      { field: 'audience', op: 'in', id: foreign },
      { field: 'audience', op: 'in', id: own, version: 9 },
    ],
  };
  expect(pointers(await post({ name: 'x', kind: 'rule', rule }))).toEqual([
    '/rule/any/0/id',
    '/rule/any/1/id',
  ]);
  expect(pointers(await estimate({ audience: { id: foreign } }))).toEqual(['/audience']);
  const gone = await estimate({
    rule: { not: { field: 'push', op: 'opened', pushId: 'push-0123456789-1' } },
  });
  expect(gone.json()).toMatchObject({ status: 400, errors: [{ pointer: '/rule', detail: /do not exist/ }] });
  expect((await other.call('operator', 'PUT', `/v1/audiences/${own}`, { rule: vip })).statusCode).toBe(404);
});

test('an audience keeps its kind, and a request says one thing', async () => {
  const id = await madeRule(vip);
  expect((await put(id, combine('union', id, id))).statusCode).toBe(409);
  expect((await put(id, {})).statusCode).toBe(400);
  expect((await estimate({ rule: vip, audience: { id } })).statusCode).toBe(400);
  expect((await estimate({})).statusCode).toBe(400);
});

test('what is used stays; what is not used can be archived, and is then not found', async () => {
  const [used, free] = [await madeRule(vip), await madeRule({ not: vip })];
  const union = (await post({ name: 'U', kind: 'combination', ...combine('union', used, free) })).json().id;
  const remove = (id: string) => app.call('marketer', 'DELETE', `/v1/audiences/${id}`);
  const refused = await remove(used);
  expect([refused.statusCode, refused.json().detail]).toEqual([409, `It is used by ${union}`]);
  const task = await app.call('marketer', 'POST', '/v1/tasks', {
    ...{ name: 'Sale', pushType: 'manual', content: { title: 't', body: 'b' } },
    ...{
      audience: { id: union },
      exclusions: [{ id: free }],
      devices: 'last_active',
      audienceAt: 'approval',
    },
  });
  expect(task.statusCode).toBe(201);
  expect(task.json().definition).toMatchObject({ exclusions: [{ id: free, version: 1 }] });
  expect((await remove(union)).json().detail).toBe(`It is used by ${task.json().id}`);
  await app.call('marketer', 'DELETE', `/v1/tasks/${task.json().id}`);
  expect((await remove(union)).statusCode).toBe(204);
  expect([(await remove(union)).statusCode, (await remove(free)).statusCode]).toEqual([404, 204]);
  expect((await app.call('marketer', 'GET', `/v1/audiences/${union}`)).statusCode).toBe(404);
});

test('an exclusion that does not exist is a fault of the task', async () => {
  const task = await app.call('marketer', 'POST', '/v1/tasks', {
    ...{ name: 'Sale', pushType: 'manual', content: { title: 't', body: 'b' } },
    ...{ audience: { id: await madeRule(vip) }, exclusions: [{ id: 'audience-0000000000' }] },
  });
  expect(pointers(task)).toEqual(['/exclusions/0']);
});

test('more estimates than the database should bear are sent away for a moment', async () => {
  const { db } = api.deps;
  const answers = await db.transaction().execute(async (trx) => {
    await sql`lock table devices in access exclusive mode`.execute(trx);
    const waiting = [estimate({ rule: vip }), estimate({ rule: vip })];
    await expect.poll(async () => await waitingForDevices()).toBe(2);
    const refused = await estimate({ rule: vip });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '2']);
    return { waiting };
  });
  const codes = (await Promise.all(answers.waiting)).map(({ statusCode }) => statusCode);
  expect(codes).toEqual([200, 200]);
});

async function waitingForDevices(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(distinct pid) as n from pg_locks where relation = 'devices'::regclass and not granted
      and database = (select oid from pg_database where datname = current_database())`.execute(api.deps.db);
  return rows[0]?.n ?? 0;
}

test('approvers estimate, and change nothing', async () => {
  expect((await post({ name: 'x', kind: 'rule', rule: vip }, 'approver')).statusCode).toBe(403);
});
