import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { useAudiences, VIP } from '../../test/setup/audiences.ts';

const { api, app, estimate, ios, madeRule, post, register } = useAudiences();

test('bombs are refused with a clear answer, and the next request is served', async () => {
  const many = await estimate({ rule: { any: new Array(10_000).fill(VIP) } });
  expect(many.json()).toMatchObject({
    status: 400,
    errors: [{ pointer: '/rule', detail: 'must have at most 200 conditions and groups' }],
  });
  const levels = 100_000;
  const nested = (size: number) => `{"rule":${'{"not":'.repeat(size)}1${'}'.repeat(size)}}`;
  const send = (payload: string, url = '/v1/audiences/estimate') =>
    api.app.inject({
      method: 'POST' as const,
      url,
      payload,
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
  expect((await estimate({ rule: VIP })).statusCode).toBe(200);
});

test('an estimate counts the devices of a rule, and why some would get nothing', async () => {
  await register([
    ios('a', { tags: ['vip'], userId: 'u1' }),
    ios('b', { tags: ['vip'] }),
    { deviceId: 'c', platform: 'android', tags: ['vip'], userId: 'u1' },
    ios('d'),
  ]);
  await api.deps.db
    .updateTable('devices')
    .set({ unsubscribed_at: api.clock.now })
    .where('device_id', '=', 'b')
    .where('app_id', '=', app.appId)
    .execute();
  const answer = await estimate({ rule: VIP });
  expect(answer.json()).toMatchObject({
    planned: 3,
    matched: 1,
    losses: { unsubscribed: 1, no_token: 1 },
    suppressed: {},
    platforms: { ios: { planned: 2, matched: 1 }, android: { planned: 1, matched: 0 } },
    asOf: api.clock.now.toISOString(),
  });
  expect(answer.json().sample).toEqual([
    { deviceId: 'a', userId: 'u1', platform: 'ios', reason: null },
    { deviceId: 'b', userId: null, platform: 'ios', reason: 'unsubscribed' },
    { deviceId: 'c', userId: 'u1', platform: 'android', reason: 'no_token' },
  ]);
  const narrow = await estimate({ rule: { not: VIP }, platforms: ['android'] });
  expect(narrow.json()).toMatchObject({ planned: 1, matched: 0, losses: { other_platform: 1 } });
});

test('an estimate of an upload counts as a push would, with exclusions', async () => {
  await register([ios('a', { userId: 'u1' }), ios('b')]);
  const upload = await api.app.inject({
    method: 'POST',
    url: '/v1/audiences/upload?name=File',
    payload: 'device_id,user_id\na,\nb,\nx,\n,u1\n,u9',
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': 'text/csv' },
  });
  const { id } = upload.json();
  const only = await madeRule({ field: 'attribute', name: 'id', op: 'in', value: ['b'] });
  const answer = await estimate({ audience: { id }, exclusions: [{ id: only }] });
  expect(answer.json()).toMatchObject({
    planned: 5,
    matched: 2,
    suppressed: { excluded: 1 },
    losses: { unknown_device: 1, unknown_user: 1, duplicate_device: 1 },
  });
});

test('estimates beyond the concurrency limit get 503 with Retry-After', async () => {
  const { db } = api.deps;
  const answers = await db.transaction().execute(async (trx) => {
    await sql`lock table devices in access exclusive mode`.execute(trx);
    const waiting = [estimate({ rule: VIP }), estimate({ rule: VIP })];
    await expect.poll(async () => await waitingForDevices()).toBe(2);
    const refused = await estimate({ rule: VIP });
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
  expect((await post({ name: 'x', kind: 'rule', rule: VIP }, 'approver')).statusCode).toBe(403);
});
