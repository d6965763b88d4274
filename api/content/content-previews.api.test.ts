import { beforeAll, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeAll, () => openShop(api));

const content = {
  title: 'Hello {{ name }}',
  body: 'You have {{ points }} points',
  deepLink: 'shop://offers/{{ name }}',
  buttons: [{ id: 'open', title: 'Open, {{ name }}' }],
  variables: { name: { attribute: 'first name' }, points: { default: 0 } },
  locales: { de: { title: 'Hallo {{ name }}' } },
  platforms: { ios: { sound: 'bell' } },
};
const preview = (body: object) => shop.marketer.call('POST', '/v1/content-previews', body);

test('a preview shows the message that a device would get', async () => {
  const device = {
    deviceId: 'd-1',
    platform: 'ios',
    token: 'ab'.repeat(32),
    locale: 'de_CH',
    attributes: { 'first name': 'Bö' },
  };
  expect((await shop.sdk.call('POST', '/v1/devices', device)).status).toBe(201);
  const { status, body } = await preview({ content, deviceId: 'd-1' });
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body).toEqual({
    platform: 'ios',
    locale: 'de',
    reason: null,
    missingVariables: [],
    payloadLimit: 4096,
    payloadBytes: expect.any(Number),
    message: {
      title: 'Hallo Bö',
      body: 'You have 0 points',
      deepLink: 'shop://offers/B%C3%B6',
      sound: 'bell',
      buttons: [{ id: 'open', title: 'Open, Bö' }],
      ttlSeconds: 86_400,
      priority: 'high',
    },
  });
  const other = await openShop(api);
  expect(
    (await other.marketer.call('POST', '/v1/content-previews', { content, deviceId: 'd-1' })).status,
  ).toBe(404);
});

test('a preview for a hypothetical device shows why it would get nothing', async () => {
  const device = { platform: 'android', attributes: { points: 5 } };
  const { body } = await preview({ content, device });
  expect(body).toMatchObject({ message: null, reason: 'missing_variable', locale: null });
  expect(body['missingVariables']).toEqual(['name']);
});

test('a stored task is previewed by its ID, within its app', async () => {
  const { body: task } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { content }));
  const device = { platform: 'ios', attributes: { 'first name': 'Bö' } };
  const taskId = task['id'];
  const shown = await preview({ taskId, device });
  expect(shown).toMatchObject({ status: 200, body: { message: { title: 'Hello Bö' } } });
  expect((await preview({ taskId, content, device })).status).toBe(400);
  expect((await preview({ device })).status).toBe(400);
  const other = await openShop(api);
  for (const id of [taskId, 'task-0000000000', 'a\0b']) {
    expect((await other.marketer.call('POST', '/v1/content-previews', { taskId: id, device })).status).toBe(
      404,
    );
  }
});

test('faults have pointers, and a preview needs exactly one device', async () => {
  const device = { platform: 'ios' };
  const wrong = { ...content, locales: { de: { title: '{{ nam }}' } }, body: '{% for i in (1..9) %}' };
  const { status, body } = await preview({ content: wrong, device });
  expect(status).toBe(400);
  const pointers = (body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
  expect(pointers).toContain('/content/locales/de/title');
  expect(pointers).toContain('/content/body');
  expect((await preview({ content })).status).toBe(400);
  expect((await preview({ content, device, deviceId: 'd-1' })).status).toBe(400);
});

test('no task is created or edited with an unknown variable', async () => {
  const bad = { ...content, body: 'You have {{ pints }}' };
  const refused = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { content: bad }));
  expect(refused.status).toBe(400);
  expect(refused.body['errors']).toContainEqual({
    pointer: '/content/body',
    detail: 'uses the unknown variable pints',
  });
  const created = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { content }));
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  const patched = await shop.marketer.call('PATCH', `/v1/tasks/${String(created.body['id'])}`, {
    content: bad,
  });
  expect(patched.status).toBe(400);
});

test('the devices that would get nothing are counted before the task is submitted', async () => {
  const own = await openShop(api);
  const names = [{ name: 'Bo' }, { name: ' ' }, {}, {}];
  for (const [no, attributes] of names.entries()) {
    const token = no.toString(16).repeat(64);
    const device = { deviceId: `c-${no}`, platform: 'ios', token, attributes };
    expect((await own.sdk.call('POST', '/v1/devices', device)).status).toBe(201);
  }
  const warningsOf = async (more: object) => {
    const text = { title: 'Hi {{ name }}', body: 'b', variables: { name: {} }, ...more };
    const { body } = await own.marketer.call('POST', '/v1/tasks', newTask(own, { content: text }));
    const { body: shown } = await own.marketer.call('GET', `/v1/tasks/${String(body['id'])}`);
    expect(shown['warnings']).toEqual(body['warnings']);
    return (body['warnings'] as { code: string; detail: string }[]).filter(
      ({ code }) => code === 'values_missing',
    );
  };
  expect(await warningsOf({})).toEqual([
    {
      code: 'values_missing',
      detail:
        'About 3 of 4 devices have no value for {{ name }} and would get nothing. ' +
        'Give the variable a default, or write a text that does without, as {{ name | default: "…" }} does.',
    },
  ]);
  const two = { body: '{{ tier }}', variables: { name: {}, tier: {} } };
  expect((await warningsOf(two))[0]?.detail).toMatch(
    /^About 4 of 4 devices .* \{\{ name \}\} \(3\), \{\{ tier \}\} \(4\)/,
  );
  const either = { title: '{{ nick | default: name }}', variables: { nick: {}, name: {} } };
  expect((await warningsOf(either))[0]?.detail).toMatch(
    /^About 3 of 4 devices have .* \{\{ name \}\} and may get nothing/,
  );
  expect(await warningsOf({ title: 'Hi {{ name | default: "you" }}' })).toEqual([]);
  expect(await warningsOf({ variables: { name: { default: 'you' } } })).toEqual([]);
});

test('a preview finds the language of a device by its old code and its parents', async () => {
  const locales = { id: { title: 'ID' }, 'es-419': { title: '419' }, 'zh-TW': { title: 'TW' } };
  for (const [locale, title] of [
    ['in_ID', 'ID'],
    ['es-MX', '419'],
    ['zh-Hant', 'TW'],
    ['fr', 'EN'],
  ]) {
    const { body } = await preview({
      content: { title: 'EN', body: 'b', locales },
      device: { platform: 'android', locale },
    });
    expect(body).toMatchObject({ message: { title } });
  }
});

test('a preview shows what the platform alone can say, and every wrong field has its place', async () => {
  const own = { channelId: 'orders', color: '#FF8800' };
  const device = { platform: 'android' };
  const said = { title: 't', body: 'b', data: { sku: 'a' }, platforms: { android: own } };
  expect((await preview({ content: said, device })).body).toMatchObject({
    message: { data: { sku: 'a' }, channelId: 'orders' },
  });
  const wrong = {
    ...said,
    deepLink: 'javascript:alert(1)',
    data: { from: 'a' },
    variables: { 'first name': {} },
  };
  const { status, body } = await preview({ content: wrong, device });
  expect(status).toBe(400);
  expect(body['errors']).toEqual(
    expect.arrayContaining([
      {
        pointer: '/content/deepLink',
        detail: expect.stringContaining('must not have the scheme javascript'),
      },
      { pointer: '/content/data/from', detail: 'is a reserved key: choose another name' },
      { pointer: '/content/variables/first name', detail: expect.stringContaining('must be a letter') },
    ]),
  );
});

test('contents from before templates existed are checked when the task is submitted', async () => {
  const { db } = api.deps;
  const created = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  const id = String(created.body['id']);
  const before = await db
    .selectFrom('task_revisions')
    .selectAll()
    .where('task_id', '=', id)
    .executeTakeFirstOrThrow();
  const definition = { ...before.definition, content: { ...before.definition.content, title: '{{ name }}' } };
  await db
    .insertInto('task_revisions')
    .values({ ...before, revision: 2, definition: JSON.stringify(definition) })
    .execute();
  await db.updateTable('tasks').set({ revision: 2 }).where('id', '=', id).execute();
  const { status, body } = await shop.marketer.call('POST', `/v1/tasks/${id}/submit`, {});
  expect(status).toBe(409);
  expect(body['errors']).toContainEqual(expect.objectContaining({ pointer: '/content/title' }));
});
