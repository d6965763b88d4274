import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));
beforeEach(async () => {
  await api.app.inject({
    method: 'POST',
    url: '/v1/devices/import',
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': 'text/csv' },
    payload: 'device_id,platform,user_id\nd1,ios,ann\nd2,android,ann\nd3,ios,bob',
  });
});

const erase = (userIds: unknown, who: 'operator' | 'marketer' = 'operator') =>
  app.call(who, 'POST', '/v1/users/erase', { userIds });
const idsOf = async () =>
  (await app.call('marketer', 'GET', '/v1/devices'))
    .json()
    .items.map(({ deviceId }: { deviceId: string }) => deviceId);

test('an operator erases users, and repeating the request changes nothing', async () => {
  const first = await erase(['ann', 'nobody']);
  expect([first.statusCode, first.json()]).toEqual([
    200,
    { done: true, devices: 2, deliveries: 0, others: 0, inFlight: 0 },
  ]);
  expect(await idsOf()).toEqual(['d3']);
  expect((await erase(['ann'])).json()).toMatchObject({ done: true, devices: 0 });
});

test('the audit names the operator and the counts, not the erased users', async () => {
  await erase(['ann']);
  const rows = await api.deps.db.selectFrom('audit').selectAll().where('app_id', '=', app.appId).execute();
  expect(JSON.stringify(rows)).not.toMatch(/\bann\b|\bd1\b/);
  const erasures = rows.filter(({ action }) => action === 'erase_users');
  expect(erasures).toMatchObject([{ detail: expect.stringContaining('devices: 2') }]);
  expect(erasures[0]?.person_id).toMatch(/^person-/);
});

test('users of another app stay, and marketers erase nobody', async () => {
  const other = await createTestApp(api);
  await other.call('operator', 'POST', '/v1/users/erase', { userIds: ['ann'] });
  expect((await erase(['ann'], 'marketer')).statusCode).toBe(403);
  expect(await idsOf()).toEqual(['d1', 'd2', 'd3']);
});

test.each([
  ['nobody', []],
  ['too many', Array.from({ length: 101 }, (_, i) => `u${i}`)],
  ['no text', [1]],
  ['an ID with a space', ['a b']],
])('%s is refused', async (_what, userIds) => {
  expect((await erase(userIds)).statusCode).toBe(400);
});

test('a marketer deletes one device, and the other devices of its user stay', async () => {
  const gone = await app.call('marketer', 'DELETE', '/v1/devices/d1');
  expect([gone.statusCode, gone.json()]).toMatchObject([200, { done: true, devices: 1 }]);
  expect(await idsOf()).toEqual(['d2', 'd3']);
  expect((await app.call('marketer', 'DELETE', '/v1/devices/d1')).statusCode).toBe(404);
  const other = await createTestApp(api);
  expect((await other.call('operator', 'DELETE', '/v1/devices/d2')).statusCode).toBe(404);
  expect((await app.call('approver', 'DELETE', '/v1/devices/d2')).statusCode).toBe(403);
  expect((await app.call('sdk', 'DELETE', '/v1/devices/d2')).statusCode).toBe(403);
});
