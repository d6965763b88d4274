import { beforeAll, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeAll, () => openShop(api));

const URL = '/v1/app/contact-rules';

test('operators set the contact rules, everybody reads them, and the audit records the change', async () => {
  const operator = await shop.person('operator');
  expect((await shop.marketer.call('GET', URL)).body).toEqual({ caps: [], quietHours: null });
  const rules = {
    caps: [
      { max: 3, window: { kind: 'rolling', hours: 168 }, class: 'marketing' },
      { max: 2, window: { kind: 'day' }, per: 'device', channel: 'huawei' },
    ],
    quietHours: { from: '22:00', to: '08:00', class: 'marketing' },
  };
  expect((await shop.marketer.call('PUT', URL, rules)).status).toBe(403);
  const { status, body } = await operator.call('PUT', URL, rules);
  expect(status, JSON.stringify(body)).toBe(200);
  expect((await shop.approver.call('GET', URL)).body).toEqual({
    caps: [{ ...rules.caps[0], per: 'user' }, rules.caps[1]],
    quietHours: { ...rules.quietHours, action: 'drop' },
  });
  expect(JSON.stringify((await operator.call('GET', '/v1/audit')).body)).toContain(
    '2 caps, quiet from 22:00 to 08:00 (drop)',
  );
  const other = await openShop(api);
  expect((await other.marketer.call('GET', URL)).body).toEqual({ caps: [], quietHours: null });
});

test.each([
  [{ caps: [{ max: 0, window: { kind: 'day' } }] }, '/caps/0/max'],
  [{ caps: [{ max: 1, window: { kind: 'rolling', hours: 10_000 } }] }, '/caps/0/window/hours'],
  [{ caps: [{ max: 1, window: { kind: 'week' } }] }, '/caps/0/window/kind'],
  [{ caps: [{ max: 1001, window: { kind: 'day' } }] }, '/caps/0/max'],
  [{ caps: [{ max: 5, per: 'app', window: { kind: 'day' } }] }, '/caps/0/channel'],
  [
    { caps: [{ max: 5, per: 'app', channel: 'fcm', window: { kind: 'rolling', hours: 24 } }] },
    '/caps/0/window',
  ],
  [{ quietHours: { from: '24:00', to: '08:00' } }, '/quietHours/from'],
  [{ quietHours: { from: '08:00', to: '08:00' } }, '/quietHours'],
  [{ quietHours: { from: '22:00', to: '8:00' } }, '/quietHours/to'],
  [{ quietHours: { from: '22:00', to: '08:00', action: 'wait' } }, '/quietHours/action'],
])('%j is refused', async (rules, pointer) => {
  const operator = await shop.person('operator');
  const { status, body } = await operator.call('PUT', URL, rules);
  expect(status).toBe(400);
  expect((body['errors'] as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
});

test('a task shows its message class and how the contact rules apply', async () => {
  const more = { messageClass: 'transactional', caps: 'ignore_and_count', quietHours: 'ignore' };
  const { status, body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, more));
  expect(status).toBe(201);
  expect(body['definition']).toMatchObject(more);
  expect((await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { caps: 'never' }))).status).toBe(400);
});
