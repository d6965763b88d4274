import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { findRefresh, startRefresh, stepRefresh } from '../../db/audiences/audience-refresh.ts';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';
import { createRefresher } from './refresher.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

async function audienceOfThree(): Promise<string> {
  const payload = ['a', 'b', 'c']
    .map((id) => JSON.stringify({ deviceId: id, platform: 'ios', tags: ['x'] }))
    .join('\n');
  const headers = { authorization: `Bearer ${app.keys.operator}`, 'content-type': 'application/x-ndjson' };
  await api.app.inject({ method: 'POST', url: '/v1/devices/import', headers, payload });
  const rule = { field: 'tags', op: 'any', value: ['x'] };
  return (await app.call('marketer', 'POST', '/v1/audiences', { name: 'R', kind: 'rule', rule })).json().id;
}
const read = async (id: string) => (await app.call('marketer', 'GET', `/v1/audiences/${id}`)).json().refresh;
const refresh = (id: string) => app.call('marketer', 'POST', `/v1/audiences/${id}/refresh`);

test('a recount starts, shows its progress, and reports its counts', async () => {
  const id = await audienceOfThree();
  const asked = await refresh(id);
  expect([asked.statusCode, asked.json()]).toMatchObject([202, { total: 3, version: 1 }]);
  await expect
    .poll(() => read(id))
    .toMatchObject({
      state: 'done',
      done: 3,
      total: 3,
      counts: { planned: 3, matched: 0, losses: { no_token: 3 } },
    });
});

test('simultaneous requests get one recount, and another process takes over a recount that is abandoned', async () => {
  const id = await audienceOfThree();
  const { db } = api.deps;
  const start = (now: Date) =>
    startRefresh(db, { appId: app.appId, audienceId: id, version: 1, kind: 'rule', now });
  const first = await start(api.clock.now);
  if (first === undefined) throw new Error('did not start');
  expect(await start(api.clock.now)).toBeUndefined();
  expect((await refresh(id)).json()).toMatchObject({ state: 'running', done: 0 });
  api.clock.advance(61_000);
  const another = createRefresher(api.deps);
  await another.takeOver();
  await expect.poll(() => read(id)).toMatchObject({ state: 'done', counts: { planned: 3 } });
  await another.close();
  expect(await stepRefresh(db, first, { clock: api.deps.clock })).toBe(false);
  expect((await findRefresh(db, id))?.counts.planned).toBe(3);
});

test('the recount of an upload goes ID by ID, and agrees with an estimate', async () => {
  await audienceOfThree();
  const users = ['ada', 'ada', 'bob'].map((userId, i) => ({ deviceId: 'abc'[i], platform: 'ios', userId }));
  const operator = { authorization: `Bearer ${app.keys.operator}` };
  const devices = users.map((device) => JSON.stringify(device)).join('\n');
  const ndjson = { ...operator, 'content-type': 'application/x-ndjson' };
  await api.app.inject({ method: 'POST', url: '/v1/devices/import', headers: ndjson, payload: devices });
  const { json } = await api.app.inject({
    method: 'POST',
    url: '/v1/audiences/upload?name=U',
    headers: { ...operator, 'content-type': 'text/csv' },
    payload: 'device_id,user_id\nb,\nnobody,\n,ada\n,bob\n,stranger\n',
  });
  const { id, version } = json();
  const { db } = api.deps;
  const now = api.clock.now;
  const hold = await startRefresh(db, { appId: app.appId, audienceId: id, version, kind: 'upload', now });
  if (hold === undefined) throw new Error('did not start');
  const seen = [];
  do seen.push((await read(id)).done);
  while (await stepRefresh(db, hold, { clock: api.deps.clock, size: 2 }));
  expect(seen).toEqual([0, 2, 2, 4]);
  const { state, done, total, counts } = await read(id);
  expect([state, done, total]).toEqual(['done', 5, 5]);
  const estimate = (
    await app.call('marketer', 'POST', '/v1/audiences/estimate', { audience: { id, version } })
  ).json();
  expect(estimate).toMatchObject(counts);
  expect(counts).toMatchObject({
    planned: 6,
    losses: { duplicate_device: 1, unknown_device: 1, unknown_user: 1, no_token: 3 },
  });
});

test('a rule about a push whose deliveries are gone fails the recount with that reason', async () => {
  const id = await audienceOfThree();
  const source = { rule: { field: 'push', op: 'opened', pushId: 'push-0123456789-1' } };
  await sql`update audience_versions set source = ${JSON.stringify(source)}::jsonb where audience_id = ${id}`.execute(
    api.deps.db,
  );
  await refresh(id);
  await expect
    .poll(() => read(id))
    .toMatchObject({ state: 'failed', reason: /push-0123456789-1 do not exist/ });
});

test("another app's audience is not recounted", async () => {
  const id = await audienceOfThree();
  const other = await createTestApp(api);
  expect((await other.call('operator', 'POST', `/v1/audiences/${id}/refresh`)).statusCode).toBe(404);
});
