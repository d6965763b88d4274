import { beforeEach, expect, test } from 'vitest';
import { type Caller, newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let operator: Caller;
beforeEach(async () => {
  operator = await shop.person('operator');
});

const stop = (who: Caller, reason = 'Wrong price') => who.call('POST', '/v1/app/stop', { reason });

// Temporal is not reachable in these tests.
test('an app stops and resumes without Temporal, and app, task and list show time, person and reason', async () => {
  const { body: task } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  const shown = { at: api.clock.now.toISOString(), reason: 'Wrong price', by: { name: 'Mei the approver' } };
  expect(await stop(shop.approver)).toMatchObject({ status: 200, body: { stop: shown } });
  const read = async (url: string) => (await shop.marketer.call('GET', url)).body;
  expect(await read('/v1/app')).toMatchObject({ stop: shown });
  expect(await read(`/v1/tasks/${String(task['id'])}`)).toMatchObject({ appStop: shown });
  expect(await read('/v1/tasks')).toMatchObject({ appStop: shown });
  const lifted = await operator.call('POST', '/v1/app/resume');
  expect(lifted).toMatchObject({ status: 200, body: { resumed: [], pending: false, app: { stop: null } } });
  expect(await read('/v1/app')).toMatchObject({ stop: null });
});

test('tasks that cannot be told to resume are pending, and the stop is lifted anyway', async () => {
  const { body: task } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  await stop(operator);
  await api.deps.db
    .updateTable('tasks')
    .set({ status: 'paused', status_reason: 'the app is stopped' })
    .where('id', '=', String(task['id']))
    .execute();
  const lifted = await operator.call('POST', '/v1/app/resume');
  expect(lifted).toMatchObject({ status: 202, body: { resumed: [], pending: true, app: { stop: null } } });
});

test('a stop needs a reason and an approver or operator of the app', async () => {
  expect((await stop(shop.marketer)).status).toBe(403);
  expect((await shop.marketer.call('POST', '/v1/app/resume')).status).toBe(403);
  expect((await operator.call('POST', '/v1/app/stop', {})).status).toBe(400);
  expect((await stop(operator, 'a\0b')).status).toBe(400);
  await stop(operator);
  const other = await openShop(api);
  expect((await other.marketer.call('GET', '/v1/app')).body).toMatchObject({ stop: null });
});

test('a stop and a resume at the same moment leave the app either stopped or not', async () => {
  for (let round = 0; round < 10; round++) {
    await Promise.all([stop(operator), operator.call('POST', '/v1/app/resume'), stop(shop.approver)]);
    const { stop: shown } = (await operator.call('GET', '/v1/app')).body;
    const row = await api.deps.db
      .selectFrom('apps')
      .select('stopped_at')
      .where('id', '=', shop.appId)
      .executeTakeFirstOrThrow();
    expect(row.stopped_at !== null).toBe(shown !== null);
  }
});
