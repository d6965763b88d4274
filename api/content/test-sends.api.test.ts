import { beforeEach, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
beforeEach(async () => {
  for (const deviceId of ['d1', 'd2']) {
    const device = {
      deviceId,
      platform: 'ios',
      token: `${shop.appId}${deviceId}`
        .padEnd(32)
        .replaceAll(/./g, (c) => c.charCodeAt(0).toString(16).padStart(2, '0'))
        .slice(0, 64),
    };
    const { status, body } = await shop.sdk.call('POST', '/v1/devices', device);
    expect(status, JSON.stringify(body)).toBe(201);
  }
});

const put = (deviceIds: unknown) => shop.approver.call('PUT', '/v1/test-devices', { deviceIds });

test('approvers set the test devices: devices of the app, twenty at most, every change in the audit', async () => {
  expect((await put(['d1', 'd2'])).body).toEqual({ deviceIds: ['d1', 'd2'] });
  const unknown = await put(['d1', 'stranger']);
  expect(unknown.status).toBe(400);
  expect(unknown.body['errors']).toEqual([{ pointer: '/deviceIds/1', detail: 'there is no such device' }]);
  expect((await put(['d1', 'd1'])).status).toBe(400);
  expect((await put(Array.from({ length: 21 }, (_, no) => `x${no}`))).status).toBe(400);
  expect((await shop.marketer.call('GET', '/v1/test-devices')).body).toEqual({ deviceIds: ['d1', 'd2'] });
  const audit = await shop.approver.call('GET', '/v1/audit');
  expect(JSON.stringify(audit.body)).toContain('"action":"set_test_devices"');
  expect((await put([])).body).toEqual({ deviceIds: [] });
  const other = await openShop(api);
  expect((await other.approver.call('PUT', '/v1/test-devices', { deviceIds: ['d1'] })).status).toBe(400);
});

test('tests are limited per hour, a stopped app sends none, and another app has no such task', async () => {
  await put(['d1']);
  const created = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  const path = `/v1/tasks/${String(created.body['id'])}/test-sends`;
  const { db } = api.deps;
  const row = {
    app_id: shop.appId,
    task_id: String(created.body['id']),
    revision: 1,
    person_id: shop.marketer.personId,
  };
  const tests = Array.from({ length: 30 }, (_, no) => ({
    ...row,
    id: `${shop.appId}-${no}`,
    at: api.clock.now,
    done_at: null,
  }));
  await db.insertInto('test_sends').values(tests).execute();
  const refused = await shop.marketer.call('POST', path, {});
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '3600']);
  await db.updateTable('apps').set({ stopped_at: api.clock.now }).where('id', '=', shop.appId).execute();
  expect((await shop.marketer.call('POST', path, {})).status).toBe(409);
  const other = await openShop(api);
  expect((await other.marketer.call('POST', path, {})).status).toBe(404);
});
