import { sql } from 'kysely';
import { beforeEach, expect, test, vi } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

const at = '2026-11-22T07:59:00.000Z';
const event = (id: string, more: object = {}) => ({ id, name: 'bought', at, ...more });
const report = (events: readonly unknown[], more: object = {}) =>
  app.call('operator', 'POST', '/v1/events', { events, ...more });
const reportAs = (secret: string, body: object) =>
  app.call('sdk', 'POST', '/v1/events', body, { 'x-device-secret': secret });
const register = async (deviceId: string): Promise<string> =>
  (await app.call('sdk', 'POST', '/v1/devices', { deviceId, platform: 'ios' })).json().secret;
async function stored() {
  const { rows } = await sql<{
    name: string;
    user_id: string | null;
    device: string | null;
    at: Date;
    properties: unknown;
  }>`
    select n.name, e.user_id, d.device_id as device, e.at, e.properties from events e join event_names n on n.no = e.name_no
    left join devices d on d.no = e.device_no where e.app_id = ${app.appId} order by 1, 2, 3`.execute(
    api.deps.db,
  );
  return rows;
}

test("a backend's events of users are stored once, however often they are reported", async () => {
  const events = [
    event('e1', { userId: 'u1', properties: { price: 9.5, gift: true } }),
    event('e2', { userId: 'u2' }),
  ];
  const first = await report(events);
  expect(first.json()).toEqual({
    accepted: 2,
    results: [
      { index: 0, result: 'counted' },
      { index: 1, result: 'counted' },
    ],
  });
  api.clock.advance(5_000);
  const again = (await report([...events, event('e1', { userId: 'u2' })])).json();
  expect(again.results.map((one: { result: string }) => one.result)).toEqual([
    'duplicate',
    'duplicate',
    'counted',
  ]);
  expect(await stored()).toMatchObject([
    { name: 'bought', user_id: 'u1', at: new Date(at), properties: { price: 9.5, gift: true } },
    { user_id: 'u2' },
    { user_id: 'u2' },
  ]);
});

test('an event twice in one batch, and in batches at the same moment, counts once', async () => {
  const batch = Array.from({ length: 50 }, (_, n) => event(`e${n % 40}`, { userId: `u${n % 40}` }));
  const answers = await Promise.all([report(batch), report(batch.toReversed()), report(batch)]);
  const counted = answers
    .flatMap((answer) => answer.json().results)
    .filter((one) => one.result === 'counted');
  expect(counted).toHaveLength(40);
  expect(await stored()).toHaveLength(40);
});

test('a device reports its own events with its secret, and its later user owns them', async () => {
  const secret = await register('phone');
  const body = { deviceId: 'phone', events: [event('e1')] };
  expect((await reportAs(secret, body)).json()).toMatchObject({ accepted: 1 });
  await sql`update devices set user_id = 'mei' where device_id = 'phone' and app_id = ${app.appId}`.execute(
    api.deps.db,
  );
  await reportAs(secret, { deviceId: 'phone', events: [event('e1'), event('e2')] });
  expect(await stored()).toMatchObject([
    { user_id: 'mei', device: null },
    { user_id: null, device: 'phone' },
  ]);
});

test('a device reports nothing without its secret or with the secret of another', async () => {
  const secret = await register('phone');
  await register('other');
  for (const [deviceId, shown] of [
    ['other', secret],
    ['phone', 'sbd_wrong'],
    ['nobody', secret],
  ] as const) {
    const answer = await reportAs(shown, { deviceId, events: [event('e1')] });
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'device_secret_required']);
  }
  const missing = await reportAs(secret, { events: [event('e1')] });
  expect(missing.json()).toMatchObject({ status: 400, errors: [{ pointer: '/deviceId' }] });
  expect(await stored()).toEqual([]);
});

test('an invalid event is refused by its index, and the rest counts', async () => {
  const { results, accepted } = (
    await report([
      event('ok', { userId: 'u' }),
      'nonsense',
      event('no-owner'),
      event('both', { userId: 'u', deviceId: 'd' }),
      event('stranger', { deviceId: 'stranger' }),
      event('when', { userId: 'u', at: 'yesterday' }),
      event('old', { userId: 'u', at: '2020-01-01T00:00:00Z' }),
      event('nested', { userId: 'u', properties: { a: { b: 1 } } }),
      event('nul', { userId: 'u', properties: { a: 'x\0' } }),
      event('more', { userId: 'u', color: 'red' }),
      event('space', { userId: 'u', name: ' x' }),
    ])
  ).json();
  expect(accepted).toBe(1);
  const errors = results.slice(1).map((one: { error: string }) => one.error.split(':')[0]);
  expect(errors).toEqual([
    'event',
    'userId',
    'userId',
    'deviceId',
    'at',
    'at',
    'properties.a',
    'properties.a',
    'event',
    'name',
  ]);
  expect(await stored()).toHaveLength(1);
});

test("a device's wrong clock is corrected by its stated time of sending", async () => {
  const secret = await register('phone');
  const events = [
    event('e1', { at: '2031-05-01T00:00:00Z' }),
    event('e2', { name: 'viewed', at: '2031-05-01T00:01:00Z' }),
  ];
  const now = api.clock.now.getTime();
  await reportAs(secret, { deviceId: 'phone', sentAt: '2031-05-01T00:02:00Z', events });
  expect((await stored()).map((one) => now - one.at.getTime())).toEqual([120_000, 60_000]);
});

test('reports beyond the memory limit get a Retry-After, and accepted reports are not lost', async () => {
  await report([event('first', { userId: 'u' })]);
  const base = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${app.keys.operator}`, 'content-type': 'application/json' };
  let refused = 0;
  const post = async (index: number) => {
    const body = `{"events":[${JSON.stringify(event(`held-${index}`, { userId: 'u' }))}]${' '.repeat(900_000)}}`;
    const response = await fetch(`${base}/v1/events`, { method: 'POST', headers, body });
    if (response.status === 503) refused++;
    return response;
  };
  const posts = await api.deps.db.transaction().execute(async (trx) => {
    await sql`lock table event_keys in exclusive mode`.execute(trx);
    const sent = Array.from({ length: 30 }, (_, index) => post(index));
    // 16 MiB hold 18 such bodies.
    await vi.waitFor(() => expect(refused).toBe(12), 10_000);
    return { sent };
  });
  const answers = await Promise.all(posts.sent);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(18);
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toMatchObject({ code: 'unavailable' });
  }
  expect(await stored()).toHaveLength(19);
});

test('event names can be listed', async () => {
  await report([event('a', { userId: 'u' }), event('b', { userId: 'u', name: 'viewed' })]);
  expect((await app.call('approver', 'GET', '/v1/events/names')).json()).toEqual({
    items: ['bought', 'viewed'],
  });
});

test('an approver reports no events', async () => {
  expect(
    (await app.call('approver', 'POST', '/v1/events', { events: [event('a', { userId: 'u' })] })).statusCode,
  ).toBe(403);
});

test('a device has a rate limit, which reports without its secret do not use up', async () => {
  const [busy, calm] = [await register('busy'), await register('calm')];
  const from = (deviceId: string) => ({ deviceId, events: [event('e1')] });
  for (let i = 0; i < 130; i++) await reportAs('sbd_wrong', from('busy'));
  expect((await reportAs(busy, from('busy'))).statusCode).toBe(200);
  for (let i = 0; i < 119; i++) await reportAs(busy, from('busy'));
  const stopped = await reportAs(busy, from('busy'));
  expect([stopped.statusCode, stopped.headers['retry-after']]).toEqual([429, expect.any(String)]);
  expect((await reportAs(calm, from('calm'))).statusCode).toBe(200);
});
