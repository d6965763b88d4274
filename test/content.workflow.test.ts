import { beforeAll, expect, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { createTask, everybody, openShopWithDevices } from './world/shop.ts';
import { pushIdOf, pushIn, startTask } from './world/task.ts';
import { useWorld } from './world/world.ts';

const world = useWorld(createLocal, { receiptWindowMs: 2500 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, 6));
beforeAll(async () => {
  for (const [id, locale, name] of [
    ['d1', 'de-AT', 'Änne'],
    ['d2', 'de', 'Bo'],
    ['d3', 'en', 'C "c"'],
    ['d4', 'fr', ''],
  ] as const) {
    await world.db
      .updateTable('devices')
      .set({ locale, attributes: JSON.stringify({ name }) })
      .where('device_id', '=', id)
      .execute();
  }
});

/** The payload that each device got, by the device's ID. */
async function shownByDevice(): Promise<Record<string, { title: string; body: string; data: object }>> {
  const bodies = await world.simulators.control.bodies();
  const rows = await world.db.selectFrom('devices').select(['device_id', 'token']).execute();
  const idOf = new Map(rows.map(({ device_id, token }) => [token, device_id]));
  return Object.fromEntries(
    bodies.map(({ channel, token, body }) => {
      const payload = JSON.parse(body);
      const shown = channel === 'apns' ? payload.aps.alert : payload.message.notification;
      const data = channel === 'apns' ? payload.sb : payload.message.data;
      return [idOf.get(token), { title: shown.title, body: shown.body, data }];
    }),
  );
}

async function pushed(taskId: string) {
  const id = pushIdOf(taskId);
  await pushIn(shop, id, 'completed');
  const { body } = await shop.call<{ statistics: Record<string, unknown> }>(
    shop.marketer,
    'GET',
    `/v1/pushes/${id}/statistics`,
  );
  return body.statistics;
}

test('each device gets its own words: its platform, its locale, its variables', async () => {
  const taskId = await startTask(shop, {
    content: {
      title: 'Hello {{ name }}',
      body: 'A sale',
      deepLink: 'shop://u/{{ name }}',
      variables: { name: { default: 'you' } },
      locales: {
        de: { title: 'Hallo {{ name | upcase }}', body: 'Ein Angebot' },
        'de-AT': { title: 'Servus {{ name }}' },
      },
      platforms: {
        android: { body: 'A sale for Android', buttons: [{ id: 'go', title: 'Go, {{ name }}' }] },
      },
    },
  });
  expect(await pushed(taskId)).toMatchObject({ planned: 6, sent: 6, suppressed: 0 });
  const shown = await shownByDevice();
  expect(shown).toMatchObject({
    d1: { title: 'Servus Änne', body: 'Ein Angebot', data: { deepLink: 'shop://u/%C3%84nne' } },
    d2: { title: 'Hallo BO', body: 'Ein Angebot', data: { buttons: '[{"id":"go","title":"Go, Bo"}]' } },
    d3: { title: 'Hello C "c"', body: 'A sale', data: { deepLink: 'shop://u/C%20%22c%22' } },
    d4: { title: 'Hello you', body: 'A sale for Android' },
    d5: { title: 'Hello you', body: 'A sale' },
  });
});

test('a device without a variable is skipped with the reason', async () => {
  await world.simulators.control.reset();
  const taskId = await startTask(shop, {
    content: {
      title: 'Hello {{ name }}',
      body: '{% if name == "Bo" %}{{ 9 | times: 9 | append: name }}{% endif %}{{ name }}',
      variables: { name: {} },
    },
  });
  expect(await pushed(taskId)).toMatchObject({
    planned: 6,
    matched: 6,
    suppressed: 3,
    sent: 3,
    suppressedReasons: { missing_variable: 3 },
  });
  const shown = await shownByDevice();
  expect(Object.keys(shown).sort()).toEqual(['d1', 'd2', 'd3']);
  expect(shown['d2']?.body).toBe('81BoBo');
});

test('a device whose values make the message too large fails, keeps its token and holds up no other device', async () => {
  await world.simulators.control.reset();
  const part = `{% if name == "Bo" %}${'促'.repeat(450)}{% endif %}`;
  const content = {
    title: 'Hi {{ name }}',
    body: `${part}${part}${part}`,
    variables: { name: {} },
  };
  const taskId = await startTask(shop, { content });
  expect(await pushed(taskId)).toMatchObject({
    sent: 3,
    failures: 1,
    failureReasons: { payload_too_large: 1 },
  });
  const { body } = await shop.call(shop.marketer, 'GET', '/v1/devices/d2');
  expect(body).toMatchObject({ tokenState: 'active' });
});

test('a draft is tested on the devices of the whitelist only, marked, and counted nowhere', async () => {
  await world.simulators.control.reset();
  const content = { title: 'Hello {{ name }}', body: 'A sale', variables: { name: {} } };
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, content });
  const path = `/v1/tasks/${taskId}/test-sends`;
  expect((await shop.call(shop.marketer, 'POST', path, {})).status).toBe(409);
  const list = { deviceIds: ['d1', 'd2', 'd6'] };
  expect((await shop.call(shop.marketer, 'PUT', '/v1/test-devices', list)).status).toBe(403);
  expect((await shop.call(shop.approver, 'PUT', '/v1/test-devices', list)).body).toEqual(list);
  expect((await shop.call(shop.marketer, 'POST', path, { deviceIds: ['d1', 'd3'] })).status).toBe(400);

  const sent = await shop.call(shop.marketer, 'POST', path, {});
  expect(sent).toMatchObject({
    status: 200,
    body: {
      devices: [
        { deviceId: 'd1', outcome: 'accepted', reason: null },
        { deviceId: 'd2', outcome: 'accepted', reason: null },
        { deviceId: 'd6', outcome: 'not_sent', reason: 'missing_variable' },
      ],
    },
  });
  expect(await shownByDevice()).toEqual({
    d1: { title: '[Test] Hello Änne', body: 'A sale', data: expect.objectContaining({ messageId: 'test' }) },
    d2: { title: '[Test] Hello Bo', body: 'A sale', data: expect.objectContaining({ messageId: 'test' }) },
  });
  const pushes = await shop.call<{ items: unknown[] }>(shop.marketer, 'GET', `/v1/tasks/${taskId}/pushes`);
  expect(pushes.body.items).toEqual([]);
  const receipts = {
    receipts: [{ messageId: 'test', kind: 'open', eventId: 'e', at: new Date().toISOString() }],
  };
  await shop.call(shop.sdkKey, 'POST', '/v1/receipts', receipts);
  expect(
    await world.db.selectFrom('deliveries').select('delivery_no').where('taps', '>', 0).execute(),
  ).toEqual([]);
  const audit = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/audit`);
  expect(JSON.stringify(audit.body)).toContain('"action":"test_send"');
  const { body } = await shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/tasks/${taskId}`);
  expect(body.status).toBe('draft');
});
