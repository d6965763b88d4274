import { beforeEach, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));

const URL = '/v1/sub-campaigns';
const campaign = async (name: string) => {
  const { status, body } = await shop.marketer.call('POST', URL, { name });
  expect(status, JSON.stringify(body)).toBe(201);
  return String(body['id']);
};
const create = (more: Record<string, unknown>) =>
  shop.marketer.call('POST', '/v1/tasks', newTask(shop, more));
const list = async () =>
  (await shop.marketer.call('GET', URL)).body['items'] as { name: string; tasks: number }[];

test('tasks and sub-campaigns are linked many to many, and a copy keeps the links', async () => {
  const [spring, loyal] = [await campaign('Spring'), await campaign('Loyal customers')];
  const { body: first } = await create({ subCampaignIds: [spring, loyal, spring] });
  expect(first['subCampaigns']).toEqual([
    { id: loyal, name: 'Loyal customers' },
    { id: spring, name: 'Spring' },
  ]);
  const { status, body: copy } = await shop.marketer.call('POST', `/v1/tasks/${String(first['id'])}/copy`);
  expect(status, JSON.stringify(copy)).toBe(201);
  expect(copy['subCampaigns']).toEqual(first['subCampaigns']);
  api.clock.advance(1000);
  const url = `/v1/tasks/${String(copy['id'])}`;
  const changed = await shop.marketer.call('PATCH', url, { subCampaignIds: [spring] });
  expect(changed.body).toMatchObject({ revision: 1, subCampaigns: [{ id: spring }] });
  expect(await list()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'Spring', tasks: 2 }),
      expect.objectContaining({ name: 'Loyal customers', tasks: 1 }),
    ]),
  );
  const { body } = await shop.marketer.call('GET', `/v1/tasks?subCampaign=${loyal}`);
  expect((body['items'] as { id: string }[]).map(({ id }) => id)).toEqual([first['id']]);
});

test('links change in any status, and the audit records it', async () => {
  const id = await campaign('Spring');
  const { body } = await create({});
  const taskId = String(body['id']);
  await api.deps.db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', taskId).execute();
  const patched = await shop.marketer.call('PATCH', `/v1/tasks/${taskId}`, { subCampaignIds: [id] });
  expect(patched).toMatchObject({ status: 200, body: { subCampaigns: [{ id }] } });
  const audit = await shop.marketer.call('GET', `/v1/tasks/${taskId}/audit`);
  expect((audit.body['items'] as object[])[0]).toMatchObject({ action: 'change_sub_campaigns', detail: id });
});

test('deleting a sub-campaign removes its links and keeps its tasks', async () => {
  const id = await campaign('Spring');
  const { body } = await create({ subCampaignIds: [id] });
  expect((await shop.marketer.call('DELETE', `${URL}/${id}`)).status).toBe(204);
  expect((await shop.marketer.call('DELETE', `${URL}/${id}`)).status).toBe(404);
  const task = await shop.marketer.call('GET', `/v1/tasks/${String(body['id'])}`);
  expect(task.body).toMatchObject({ subCampaigns: [] });
});

test('each fault of the links has its pointer', async () => {
  const id = await campaign('Spring');
  const { status, body } = await create({ subCampaignIds: [id, 'subcampaign-nothing'], subgroupId: 'none' });
  expect(status).toBe(400);
  expect((body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual([
    '/subgroupId',
    '/subCampaignIds/1',
  ]);
});

test('names are unique in an app, and pages go through all', async () => {
  await campaign('Spring');
  expect((await shop.marketer.call('POST', URL, { name: 'Spring' })).status).toBe(409);
  const other = await campaign('Summer');
  expect((await shop.marketer.call('PATCH', `${URL}/${other}`, { name: 'Spring' })).status).toBe(409);
  const renamed = await shop.marketer.call('PATCH', `${URL}/${other}`, { name: '夏 ☀️' });
  expect(renamed.body['name']).toBe('夏 ☀️');
  const first = await shop.marketer.call('GET', `${URL}?limit=1`);
  const rest = await shop.marketer.call('GET', `${URL}?limit=1&cursor=${String(first.body['nextCursor'])}`);
  expect(
    [first, rest].flatMap(({ body }) => (body['items'] as { name: string }[]).map(({ name }) => name)),
  ).toHaveLength(2);
  expect(rest.body['nextCursor']).toBeNull();
});

test("another app's sub-campaign is not found", async () => {
  const id = await campaign('Spring');
  const other = await openShop(api);
  const task = await other.marketer.call('POST', '/v1/tasks', newTask(other, { subCampaignIds: [id] }));
  expect(task.status).toBe(400);
  expect((await other.marketer.call('PATCH', `${URL}/${id}`, { name: 'x' })).status).toBe(404);
  expect((await other.marketer.call('DELETE', `${URL}/${id}`)).status).toBe(404);
});
