import { beforeEach, describe, expect, test } from 'vitest';
import { CounterDeltas } from '../../db/ledger/counters.ts';
import { TASK_SORTS } from '../../db/tasks/task-sort.ts';
import { seedPush } from '../../test/fixtures/ledger-fixture.ts';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));

async function create(name: string, more: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { name, ...more }));
  expect(status, JSON.stringify(body)).toBe(201);
  api.clock.advance(1000);
  return String(body['id']);
}

interface Item {
  readonly id: string;
  readonly name: string;
}
const list = async (query: string) => (await shop.marketer.call('GET', `/v1/tasks?${query}`)).body;
const names = (body: Record<string, unknown>) => (body['items'] as Item[]).map(({ name }) => name);

describe('search', () => {
  const search = async (text: string) => names(await list(`search=${encodeURIComponent(text)}`)).toSorted();

  test('finds parts of names in any language, of any length and case', async () => {
    const all = ['双十一大促销', 'ÜBERRASCHUNG', 'Распродажа', 'تخفيضات كبيرة', 'ลดราคา', 'Sale 🎉🛍️', 'Café'];
    for (const name of all) await create(name);
    expect(await search('促')).toEqual(['双十一大促销']);
    expect(await search('大促')).toEqual(['双十一大促销']);
    expect(await search('überr')).toEqual(['ÜBERRASCHUNG']);
    expect(await search('ПРОДАЖ')).toEqual(['Распродажа']);
    expect(await search('كبيرة')).toEqual(['تخفيضات كبيرة']);
    expect(await search('ราคา')).toEqual(['ลดราคา']);
    expect(await search('🎉')).toEqual(['Sale 🎉🛍️']);
    // Search ignores Unicode composition and full-width forms.
    expect(await search('cafe\u0301')).toEqual(['Café']);
    expect(await search('ｓａｌｅ')).toEqual(['Sale 🎉🛍️']);
  });

  test('treats wildcards as plain characters', async () => {
    for (const name of ['50% off', '500 off', 'a_b', 'axb', 'back\\slash', 'wide ％']) await create(name);
    expect(await search('0%')).toEqual(['50% off']);
    expect(await search('_')).toEqual(['a_b']);
    expect(await search('\\')).toEqual(['back\\slash']);
    expect(await search('％')).toEqual(['50% off', 'wide ％']);
    expect(await search("'; drop table tasks; --")).toEqual([]);
    expect(await search('zzz')).toEqual([]);
  });

  test('refuses invalid text, and finds an ID', async () => {
    const id = await create('mine');
    expect(await search(id)).toEqual(['mine']);
    expect((await shop.marketer.call('GET', '/v1/tasks?search=%00')).status).toBe(400);
    expect((await shop.marketer.call('GET', `/v1/tasks?search=${'x'.repeat(201)}`)).status).toBe(400);
  });
});

describe('order', () => {
  async function pageThrough(query: string, limit = 2): Promise<string[]> {
    const seen: string[] = [];
    let cursor: unknown = '';
    while (cursor !== null) {
      const body = await list(`${query}&limit=${limit}${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
      seen.push(...(body['items'] as Item[]).map(({ id }) => id));
      cursor = body['nextCursor'];
    }
    return seen;
  }

  test('every order, up and down, pages through all tasks once and is the reverse of the other', async () => {
    const { body: folder } = await shop.marketer.call('POST', '/v1/subgroups', { name: 'F' });
    const ids = [
      await create('b', { subgroupId: folder['id'] }),
      await create('a', { pushAt: '2027-01-01T00:00:00Z' }),
      await create('a', { pushAt: '2027-01-01T00:00:00.123Z' }),
      await create('ä', { pushType: 'manual' }),
      await create('Z'),
    ];
    await sent(ids[0] ?? '', { planned: 10, success: 4, open: 2 });
    await sent(ids[3] ?? '', { planned: 3, success: 3, open: 3 });
    for (const sort of TASK_SORTS) {
      const up = await pageThrough(`sort=${sort}&order=asc`);
      expect(up.toSorted(), sort).toEqual(ids.toSorted());
      expect((await pageThrough(`sort=${sort}&order=desc`)).toReversed(), sort).toEqual(up);
    }
    expect(names(await list('sort=name&order=asc'))).toEqual(['a', 'a', 'b', 'Z', 'ä']);
    expect(names(await list('sort=planned'))).toEqual(['b', 'ä', ...(await rest('planned'))]);
    expect(names(await list('sort=openRate')).slice(0, 2)).toEqual(['ä', 'b']);
  });

  const rest = async (sort: string) => names(await list(`sort=${sort}`)).slice(2);

  test('the next page continues after a row that was deleted since', async () => {
    for (const name of ['one', 'two', 'three', 'four']) await create(name);
    const first = await list('limit=2');
    const last = (first['items'] as Item[])[1];
    await shop.marketer.call('DELETE', `/v1/tasks/${last?.id}`);
    expect(names(await list(`limit=2&cursor=${String(first['nextCursor'])}`))).toEqual(['two', 'one']);
  });

  test('a cursor of another order or a forged cursor is an invalid request', async () => {
    for (const name of ['one', 'two']) await create(name);
    const cursor = String((await list('limit=1'))['nextCursor']);
    const forged = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const bad = [
      `sort=name&cursor=${cursor}`,
      ...['2026-99-99 00:00:00+00', 'now', '', "'"].map(
        (value) => `cursor=${forged('createdAt', value, 'x')}`,
      ),
      `sort=planned&cursor=${forged('planned', '9'.repeat(30), 'x')}`,
      `sort=openRate&cursor=${forged('openRate', '1e999', 'x')}`,
      `sort=name&cursor=${forged('name', 'a\0', 'x')}`,
      `cursor=${forged('createdAt')}`,
      'cursor=e30',
    ];
    for (const query of bad) {
      expect((await shop.marketer.call('GET', `/v1/tasks?${query}`)).status, query).toBe(400);
    }
    expect((await shop.marketer.call('GET', '/v1/tasks?sort=nothing')).status).toBe(400);
  });

  async function sent(taskId: string, counts: Record<string, number>): Promise<number> {
    const startedAt = api.clock.now;
    const push = await seedPush(api.deps.db, { appId: shop.appId, taskId, startedAt, deliveries: [] });
    const deltas = new CounterDeltas();
    for (const [metric, value] of Object.entries(counts)) {
      deltas.add(push.no, { platform: 1, locale: 0, metric: metric as 'open', reason: '' }, value);
    }
    await deltas.write(api.deps.db, -1);
    return push.no;
  }

  test('the figures of a row are live, and the order by them is at most two seconds older', async () => {
    const [low, high] = [await create('low'), await create('high')];
    await sent(low, { planned: 1 });
    const highNo = await sent(high, { planned: 5 });
    const first = await list('sort=planned');
    expect(first['items']).toMatchObject([
      { name: 'high', figures: { planned: 5 } },
      { name: 'low', figures: { planned: 1 } },
    ]);
    const deltas = new CounterDeltas();
    deltas.add(highNo, { platform: 1, locale: 0, metric: 'planned', reason: '' }, -5);
    await deltas.write(api.deps.db, -2);
    api.clock.advance(1000);
    expect(await list('sort=planned')).toMatchObject({
      sortedAsOf: first['sortedAsOf'],
      items: [{ name: 'high', figures: { planned: 0 } }, { name: 'low' }],
    });
    api.clock.advance(1000);
    expect(names(await list('sort=planned'))).toEqual(['low', 'high']);
    // Frozen figures are copied once more, and do not change afterwards.
    const no = { no: highNo };
    await api.deps.db
      .updateTable('pushes')
      .set({ finalised_at: api.clock.now })
      .where('no', '=', no.no)
      .execute();
    deltas.add(highNo, { platform: 1, locale: 0, metric: 'planned', reason: '' }, 45);
    await deltas.write(api.deps.db, -3);
    api.clock.advance(3000);
    expect(names(await list('sort=planned'))).toEqual(['high', 'low']);
  });
});

test('filters by approval state, of which every task has exactly one', async () => {
  const { db } = api.deps;
  const set = async (id: string, values: object) =>
    await db.updateTable('tasks').set(values).where('id', '=', id).execute();
  await create('new');
  await set(await create('asked'), { status: 'pending_approval' });
  await set(await create('refused'), { status: 'rejected' });
  await set(await create('released'), { status: 'completed', approved_revision: 1 });
  await set(await create('missed'), { status: 'expired' });
  const of = async (approval: string) => {
    const body = await list(`approval=${approval}`);
    for (const item of body['items'] as { approval: string }[]) expect(item.approval).toBe(approval);
    return names(body).toSorted();
  };
  expect(await of('none')).toEqual(['missed', 'new']);
  expect(await of('pending')).toEqual(['asked']);
  expect(await of('rejected')).toEqual(['refused']);
  expect(await of('approved')).toEqual(['released']);
  expect(await list('approval=pending&approval=rejected&counts=false')).toMatchObject({ counts: null });
});
