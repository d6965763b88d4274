import { beforeEach, describe, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));

async function create(more: Record<string, unknown> = {}) {
  const created = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, more));
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  return created;
}

describe('POST /v1/tasks', () => {
  test('makes a draft whose revision names the version of the audience, and warns of what is missing', async () => {
    const { body, headers } = await create({ ratePerSecond: 500 });
    expect(body).toMatchObject({
      name: 'Autumn sale',
      status: 'draft',
      subgroup: null,
      revision: 1,
      ratePerSecond: 500,
      approval: 'none',
      subCampaigns: [],
      figures: null,
      appStop: null,
      creator: { id: shop.marketer.personId, name: 'Mei the marketer' },
      allowed: ['edit', 'submit', 'copy', 'delete'],
      definition: { audience: { id: shop.audienceId, version: 1 }, platforms: ['ios', 'android', 'web'] },
      latestPush: null,
    });
    expect(headers['etag']).toBe('"1"');
    const warnings = body['warnings'] as { code: string }[];
    expect(warnings.map((warning) => warning.code)).toEqual([
      ...['credentials_missing', 'credentials_missing', 'receipts_missing'],
    ]);
  });

  test('warns when no device can report receipts', async () => {
    await api.deps.db
      .updateTable('keys')
      .set({ revoked_at: api.clock.now })
      .where('kind', '=', 'sdk')
      .execute();
    const { body } = await create();
    expect(body['warnings']).toContainEqual(expect.objectContaining({ code: 'receipts_missing' }));
  });

  test('lists every fault of a definition at once', async () => {
    const task = newTask(shop, {
      audience: { id: 'audience-0000000000' },
      pushAt: '2020-01-01T00:00:00Z',
      content: { title: 'Sale', body: '促'.repeat(2000) },
    });
    const { status, body } = await shop.marketer.call('POST', '/v1/tasks', task);
    expect(status).toBe(400);
    const pointers = (body['errors'] as { pointer: string }[]).map((error) => error.pointer);
    expect(pointers).toEqual(['/audience', '/pushAt', '/content']);
  });

  test("another app's audience is answered like a missing one", async () => {
    const other = await openShop(api);
    const { status } = await shop.marketer.call('POST', '/v1/tasks', newTask(other));
    expect(status).toBe(400);
  });

  test('refuses text that cannot be stored', async () => {
    for (const title of ['a\0b', 'a\ud800b']) {
      const { status } = await shop.marketer.call(
        'POST',
        '/v1/tasks',
        newTask(shop, { content: { title, body: 'x' } }),
      );
      expect(status).toBe(400);
    }
  });

  test('one Idempotency-Key makes one task', async () => {
    const key = { 'idempotency-key': 'create-once' };
    const first = await shop.marketer.call('POST', '/v1/tasks', newTask(shop), key);
    const again = await shop.marketer.call('POST', '/v1/tasks', newTask(shop), key);
    expect(again.body['id']).toBe(first.body['id']);
  });

  test('is for makers only', async () => {
    expect((await shop.approver.call('POST', '/v1/tasks', newTask(shop))).status).toBe(403);
  });
});

describe('GET /v1/tasks', () => {
  const names = (body: Record<string, unknown>) =>
    (body['items'] as { name: string }[]).map((item) => item.name);

  test('pages through all tasks, newest first, none twice', async () => {
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      await create({ name });
      if (name !== 'three') api.clock.advance(1000);
    }
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { body } = await shop.marketer.call('GET', `/v1/tasks?limit=2${cursor}`);
      seen.push(...names(body));
      cursor = `&cursor=${String(body['nextCursor'])}`;
    }
    expect(cursor).toBe('&cursor=null');
    expect(seen.toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
    expect(seen[0]).toBe('five');
    const { body } = await shop.marketer.call('GET', '/v1/tasks?order=asc&limit=1');
    expect(names(body)).toEqual(['one']);
  });

  test('searches names literally, and IDs exactly', async () => {
    const { body: percent } = await create({ name: '50% off' });
    await create({ name: '500 off' });
    const search = async (text: string) =>
      names((await shop.marketer.call('GET', `/v1/tasks?search=${encodeURIComponent(text)}`)).body);
    expect(await search('50% O')).toEqual(['50% off']);
    expect(await search(String(percent['id']))).toEqual(['50% off']);
    expect(await search(String(percent['id']).slice(0, -1))).toEqual([]);
    expect(await search('_')).toEqual([]);
  });

  test('filters, and counts the matches of the other filters by status', async () => {
    const folder = await shop.marketer.call('POST', '/v1/subgroups', { name: 'Autumn' });
    const subgroupId = String(folder.body['id']);
    await create({ name: 'a', subgroupId });
    await create({ name: 'b', pushType: 'manual' });
    const list = async (query: string) => (await shop.marketer.call('GET', `/v1/tasks?${query}`)).body;
    expect(names(await list(`subgroup=${subgroupId}`))).toEqual(['a']);
    expect(names(await list('pushType=manual'))).toEqual(['b']);
    expect(names(await list(`creator=${shop.approver.personId}`))).toEqual([]);
    expect(await list('status=paused&status=sending')).toMatchObject({
      items: [],
      counts: { draft: 2 },
    });
    expect(await list(`subgroup=${subgroupId}&status=draft`)).toMatchObject({ counts: { draft: 1 } });
  });

  test("never shows another app's tasks", async () => {
    const { body } = await create();
    const other = await openShop(api);
    expect((await other.marketer.call('GET', '/v1/tasks')).body['items']).toEqual([]);
    expect((await other.marketer.call('GET', `/v1/tasks/${String(body['id'])}`)).status).toBe(404);
  });

  test('a cursor of another list is an invalid request', async () => {
    expect((await shop.marketer.call('GET', '/v1/tasks?cursor=nonsense')).status).toBe(400);
  });
});

describe('GET /v1/tasks/{id}', () => {
  test('gives the reason for every action that is not allowed', async () => {
    const { body } = await create();
    const { body: task } = await shop.marketer.call('GET', `/v1/tasks/${String(body['id'])}`);
    expect(task['refusals']).toMatchObject({
      approve: expect.stringContaining('pending_approval'),
      send: 'send is only allowed for manual tasks',
    });
  });

  test('a malformed ID is not found, too', async () => {
    expect((await shop.marketer.call('GET', '/v1/tasks/nonsense')).status).toBe(404);
  });
});
