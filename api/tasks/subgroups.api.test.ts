import { beforeEach, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));

const post = (name: string, parentId: string | null = null) =>
  shop.marketer.call('POST', '/v1/subgroups', { name, parentId });
const folder = async (name: string, parentId: string | null = null) => {
  const { status, body } = await post(name, parentId);
  expect(status, JSON.stringify(body)).toBe(201);
  return String(body['id']);
};
const change = (id: string, body: object) => shop.marketer.call('PATCH', `/v1/subgroups/${id}`, body);
const remove = (id: string) => shop.marketer.call('DELETE', `/v1/subgroups/${id}`);
const pathsOf = async () => {
  const { body } = await shop.marketer.call('GET', '/v1/subgroups');
  return (body['items'] as { path: string[] }[]).map(({ path }) => path.join('/'));
};
const create = async (more: Record<string, unknown> = {}) =>
  (await shop.marketer.call('POST', '/v1/tasks', newTask(shop, more))).body;

test('folders are nested, renamed, and moved with everything in them', async () => {
  const year = await folder('2027');
  const spring = await folder('Spring', year);
  await folder('Week 1', spring);
  const other = await folder('Archive');
  expect((await change(spring, { name: '春季 🌸', parentId: other })).body).toMatchObject({
    path: ['Archive', '春季 🌸'],
  });
  expect(await pathsOf()).toEqual(['2027', 'Archive', 'Archive/春季 🌸', 'Archive/春季 🌸/Week 1']);
  expect((await change(spring, { parentId: null })).body).toMatchObject({ path: ['春季 🌸'] });
});

test('a loop is refused, also one from two concurrent moves', async () => {
  const [top, one, two] = [await folder('top'), await folder('one'), await folder('two')];
  const below = await folder('below', top);
  for (const parentId of [top, below]) {
    const { status, body } = await change(top, { parentId });
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ pointer: '/parentId' }] } });
  }
  const answers = await Promise.all([change(one, { parentId: two }), change(two, { parentId: one })]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400]);
  expect(await pathsOf()).toHaveLength(4);
});

test('siblings have different names, and no tree is deeper than eight levels', async () => {
  await folder('same');
  expect((await post('same')).status).toBe(409);
  const twice = await Promise.all([post('race'), post('race')]);
  expect(twice.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  let parentId: string | null = null;
  for (let level = 1; level <= 8; level++) parentId = await folder(`level ${level}`, parentId);
  expect((await post('level 9', parentId)).status).toBe(400);
  const pair = await folder('pair');
  await folder('inner', pair);
  const seventh = await api.deps.db
    .selectFrom('subgroups')
    .select('id')
    .where('name', '=', 'level 7')
    .where('app_id', '=', shop.appId)
    .executeTakeFirstOrThrow();
  expect((await change(pair, { parentId: seventh.id })).status).toBe(400);
});

test('only an empty folder is deleted, and deleted tasks do not count', async () => {
  const id = await folder('Autumn');
  const inner = await folder('inner', id);
  expect((await remove(id)).status).toBe(409);
  expect((await remove(inner)).status).toBe(204);
  const task = await create({ subgroupId: id });
  expect((await remove(id)).status).toBe(409);
  await shop.marketer.call('DELETE', `/v1/tasks/${String(task['id'])}`);
  expect((await remove(id)).status).toBe(204);
  expect((await remove(id)).status).toBe(404);
  const { body } = await shop.marketer.call('GET', `/v1/tasks/${String(task['id'])}`);
  expect(body).toMatchObject({ subgroup: null });
});

test('a task moved into a folder during its deletion either ends up in it or is refused', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await folder(`race ${round}`);
    const [task, gone] = await Promise.all([
      shop.marketer.call('POST', '/v1/tasks', newTask(shop, { subgroupId: id })),
      remove(id),
    ]);
    const won = task.status === 201;
    expect([won ? 201 : 400, won ? 409 : 204]).toEqual([task.status, gone.status]);
    if (won) expect(task.body).toMatchObject({ subgroup: { id } });
  }
});

test('a filter by a folder includes its subfolders, and `none` finds tasks in no folder', async () => {
  const year = await folder('2027');
  const spring = await folder('Spring', year);
  await create({ name: 'in spring', subgroupId: spring });
  await create({ name: 'loose' });
  const names = async (subgroup: string) => {
    const { body } = await shop.marketer.call('GET', `/v1/tasks?subgroup=${subgroup}`);
    return (body['items'] as { name: string }[]).map(({ name }) => name);
  };
  expect(await names(year)).toEqual(['in spring']);
  expect(await names('none')).toEqual(['loose']);
  expect(await names('subgroup-nothing')).toEqual([]);
});

test("another app's folder is not found", async () => {
  const id = await folder('Autumn');
  const other = await openShop(api);
  expect((await other.marketer.call('PATCH', `/v1/subgroups/${id}`, { name: 'mine' })).status).toBe(404);
  expect((await other.marketer.call('DELETE', `/v1/subgroups/${id}`)).status).toBe(404);
  expect((await other.marketer.call('POST', '/v1/subgroups', { name: 'x', parentId: id })).status).toBe(400);
  const task = await other.marketer.call('POST', '/v1/tasks', newTask(other, { subgroupId: id }));
  expect(task).toMatchObject({ status: 400, body: { errors: [{ pointer: '/subgroupId' }] } });
  expect((await shop.approver.call('POST', '/v1/subgroups', { name: 'x' })).status).toBe(403);
});
