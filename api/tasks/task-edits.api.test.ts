import { beforeEach, describe, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let url: string;
beforeEach(async () => {
  const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { target: { event: 'buy' } }));
  url = `/v1/tasks/${String(body['id'])}`;
});

const patch = (body: object, headers: Record<string, string> = { 'if-match': '*' }) =>
  shop.marketer.call('PATCH', url, body, headers);
const setStatus = (status: 'rejected' | 'sending' | 'scheduled') =>
  api.deps.db.updateTable('tasks').set({ status }).where('id', '=', url.slice(10)).execute();

describe('PATCH /v1/tasks/{id}', () => {
  test('a material change makes a revision, and null removes an optional field', async () => {
    const { status, body, headers } = await patch({ target: null, content: { title: 'New', body: 'Text' } });
    expect(status).toBe(200);
    expect(headers['etag']).toBe('"2"');
    expect(body).toMatchObject({ revision: 2, definition: { content: { title: 'New', body: 'Text' } } });
    expect(body['definition']).not.toHaveProperty('target');
    const { body: revisions } = await shop.marketer.call('GET', `${url}/revisions`);
    expect(revisions).toMatchObject({
      items: [
        { revision: 2, madeBy: shop.marketer.personId },
        { revision: 1, definition: { target: { event: 'buy' } } },
      ],
    });
  });

  test('name and subgroup change without a revision in any status', async () => {
    await setStatus('sending');
    const folder = await shop.marketer.call('POST', '/v1/subgroups', { name: 'Winter' });
    const subgroupId = String(folder.body['id']);
    const { status, body } = await patch({ name: 'Winter sale', subgroupId });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'Winter sale',
      subgroup: { id: subgroupId, path: ['Winter'] },
      revision: 1,
    });
    const { body: audit } = await shop.marketer.call('GET', `${url}/audit`);
    expect(audit).toMatchObject({
      items: [
        { action: 'change_subgroup', detail: subgroupId, revision: 1 },
        { action: 'rename', personName: 'Mei the marketer', detail: 'Winter sale', ip: null },
        { action: 'create', via: 'api', outcome: 'done' },
      ],
    });
  });

  test('an edit without changes makes no revision', async () => {
    const { body } = await patch({ channel: 'push', content: { title: 'Sale', body: 'Today only' } });
    expect(body['revision']).toBe(1);
  });

  test('a rejected task becomes a draft again', async () => {
    await setStatus('rejected');
    const { body } = await patch({ platforms: ['ios'] });
    expect(body).toMatchObject({ status: 'draft', revision: 2 });
  });

  test('a sending task cannot be edited, and no part of the request is applied', async () => {
    await setStatus('sending');
    const { status, body } = await patch({ platforms: ['ios'], name: 'Other' });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'not_allowed_now', detail: expect.stringContaining('sending') });
    expect((await shop.marketer.call('GET', url)).body['name']).toBe('Autumn sale');
  });

  test('If-Match guards against overwriting what somebody else changed', async () => {
    expect((await patch({ platforms: ['ios'] }, { 'if-match': '"1"' })).status).toBe(200);
    const stale = await patch({ platforms: ['web'] }, { 'if-match': '"1"' });
    expect(stale.status).toBe(412);
    expect(stale.body['detail']).toContain('revision 2 now');
    expect((await patch({ platforms: ['web'] }, { 'if-match': '*' })).status).toBe(200);
  });

  test('an ETag matches as proxies that compress pass it on', async () => {
    const tags = ['W/"1"', '"2-gzip"', 'W/"3;br"', '"9", W/"4"'];
    for (const [n, tag] of tags.entries()) {
      const platforms = n % 2 === 0 ? ['ios'] : ['web'];
      expect((await patch({ platforms }, { 'if-match': tag })).status, tag).toBe(200);
    }
    expect((await patch({ platforms: ['ios'] }, { 'if-match': 'W/"4"' })).status).toBe(412);
    expect((await patch({ platforms: ['ios'] }, { 'if-match': '5' })).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ header: 'if-match', detail: expect.stringContaining('double quotes') }],
    });
  });

  test('a material edit needs If-Match, an edit of labels does not', async () => {
    const { status, body } = await patch({ platforms: ['ios'] }, {});
    expect(status).toBe(428);
    expect(body).toMatchObject({ code: 'precondition_required', errors: [{ header: 'if-match' }] });
    expect((await shop.marketer.call('GET', url)).body['revision']).toBe(1);
    expect((await patch({ name: 'Other' }, {})).status).toBe(200);
  });

  test('a delete and a submit that name another revision are refused', async () => {
    await patch({ platforms: ['ios'] });
    const stale = { 'if-match': '"1"' };
    expect((await shop.marketer.call('DELETE', url, undefined, stale)).status).toBe(412);
    expect((await shop.marketer.call('POST', `${url}/submit`, undefined, stale)).status).toBe(412);
    expect((await shop.marketer.call('DELETE', url, undefined, { 'if-match': '"2"' })).status).toBe(204);
  });

  test('the answer lists the changes and marks the material ones', async () => {
    const content = { title: 'Sale', body: 'Tomorrow' };
    const { body } = await patch({ name: 'Other', content, target: null, ratePerSecond: 5 });
    expect(body['changes']).toEqual(
      expect.arrayContaining([
        { path: '/name', old: 'Autumn sale', new: 'Other', material: false },
        { path: '/ratePerSecond', old: null, new: 5, material: false },
        { path: '/content/body', old: 'Today only', new: 'Tomorrow', material: true },
        { path: '/target', old: { event: 'buy', windowHours: 72 }, material: true },
      ]),
    );
    expect(body['changes']).toHaveLength(4);
    expect((await patch({ name: 'Other' })).body['changes']).toEqual([]);
  });

  test('any two revisions can be compared', async () => {
    await patch({ platforms: ['ios'] });
    await patch({ platforms: ['ios', 'web'], target: null });
    const compare = (query: string) => shop.approver.call('GET', `${url}/differences?${query}`);
    const { body } = await compare('from=1&to=3');
    expect(body).toMatchObject({
      from: { revision: 1, madeBy: shop.marketer.personId },
      to: { revision: 3 },
      changes: expect.arrayContaining([{ path: '/platforms/1', old: 'android', new: 'web', material: true }]),
    });
    expect((await compare('from=2&to=2')).body['changes']).toEqual([]);
    expect((await compare('from=1&to=9')).status).toBe(404);
    expect((await compare('from=0&to=1')).status).toBe(400);
    const stranger = await openShop(api);
    expect((await stranger.marketer.call('GET', `${url}/differences?from=1&to=2`)).status).toBe(404);
  });

  test('concurrent edits make one revision each or none', async () => {
    const edits = ['ios', 'android', 'web'].map((platform) => patch({ platforms: [platform] }));
    const statuses = (await Promise.all(edits)).map((answer) => answer.status);
    const made = statuses.filter((status) => status === 200).length;
    expect(made).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 412).length).toBe(3 - made);
    expect((await shop.marketer.call('GET', url)).body['revision']).toBe(1 + made);
  });

  test('the rules of a new task hold for an edit', async () => {
    const faulty = await patch({ pushType: 'manual', pushAt: '2026-12-01T00:00:00Z' });
    expect(faulty.status).toBe(400);
    expect(faulty.body['errors']).toEqual([expect.objectContaining({ pointer: '/pushAt' })]);
    expect((await patch({ priority: 1 })).status).toBe(400);
  });

  test('a new rate of a draft makes no revision', async () => {
    expect((await patch({ ratePerSecond: 100 })).body).toMatchObject({ ratePerSecond: 100, revision: 1 });
    await setStatus('scheduled');
    expect((await patch({ ratePerSecond: 50 })).status).toBe(409);
  });
});

describe('DELETE /v1/tasks/{id}', () => {
  test('an archived draft leaves the list, stays readable, and can only be copied', async () => {
    expect((await shop.marketer.call('DELETE', url)).status).toBe(204);
    expect((await shop.marketer.call('GET', '/v1/tasks')).body['items']).toEqual([]);
    const { body } = await shop.marketer.call('GET', url);
    expect(body).toMatchObject({ allowed: ['copy'], archivedAt: expect.any(String) });
    expect((await patch({ platforms: ['ios'] })).status).toBe(409);
    expect((await shop.marketer.call('DELETE', url)).status).toBe(409);
  });

  test('a task that is sending has to be cancelled first', async () => {
    await setStatus('sending');
    expect((await shop.marketer.call('DELETE', url)).status).toBe(409);
  });
});

test('a copy of a time that has passed has none, and says so', async () => {
  const pushAt = new Date(api.clock.now.getTime() + 60_000).toISOString();
  const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { pushAt }));
  api.clock.advance(5 * 60_000);
  const copy = await shop.marketer.call('POST', `/v1/tasks/${String(body['id'])}/copy`);
  expect(copy.status).toBe(201);
  expect(copy.body).toMatchObject({ pushAt: null });
  expect(copy.body['definition']).not.toHaveProperty('pushAt');
  expect(copy.body['warnings']).toContainEqual({
    code: 'push_time_left_out',
    detail: `The push time ${pushAt} has passed and is left out of the copy: without a time the push is sent as soon as it is approved`,
  });
});

test('a copied name is cut between characters as people see them', async () => {
  const name = `${'x'.repeat(190)}👨‍👩‍👧‍👦`;
  const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { name }));
  const copy = await shop.marketer.call('POST', `/v1/tasks/${String(body['id'])}/copy`);
  expect(copy.body['name']).toBe(`${'x'.repeat(190)} (copy)`);
});

test('a name loses what nobody sees, and what turns text is refused', async () => {
  const make = (name: string) => shop.marketer.call('POST', '/v1/tasks', newTask(shop, { name }));
  expect((await make('\u200bSpring\u00ad sale\u200e')).body['name']).toBe('Spring sale');
  for (const name of ['\u202egnirpS', 'a\u2066b', '\u2800']) expect((await make(name)).status).toBe(400);
});

test('a copy is a separate draft, and the audit names its source', async () => {
  await setStatus('sending');
  const { status, body } = await shop.marketer.call('POST', `${url}/copy`, {});
  expect(status).toBe(201);
  expect(body).toMatchObject({ name: 'Autumn sale (copy)', status: 'draft', revision: 1 });
  const { body: audit } = await shop.marketer.call('GET', `/v1/tasks/${String(body['id'])}/audit`);
  expect(audit['items']).toMatchObject([{ action: 'copy', detail: url.slice(10) }]);
});
