import { beforeAll, expect, test } from 'vitest';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, openShop, openShopWithDevices, type Shop } from './world/shop.ts';
import { pushIdOf, pushIn, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

/** Short, so that a push ends during the test. */
const WINDOW_MS = 2500;

const world = useWorld(createLocal, { receiptWindowMs: WINDOW_MS });
const shop = fixture(beforeAll, () => openShopWithDevices(world, 50));

async function audienceOf(...ids: string[]): Promise<{ id: string }> {
  const csv = ['device_id', ...ids].join('\n');
  const { body } = await shop.call<{ id: string }>(
    shop.marketer,
    'POST',
    '/v1/audiences/upload?name=some',
    csv,
  );
  return { id: body.id };
}

interface TaskBody {
  status: string;
  statusReason: string | null;
  latestPush: {
    status: string;
    statusReason: string | null;
    statistics: { final: boolean; statistics: object };
  };
}

const reaches = (taskId: string, status: string, owner: Shop = shop) =>
  taskIn<TaskBody>(owner, taskId, status);

test('a single task goes from approval to frozen statistics', async () => {
  const taskId = await startTask(shop);
  const { latestPush } = await reaches(taskId, 'completed');
  expect(latestPush).toMatchObject({
    status: 'completed',
    statistics: { final: true, statistics: { planned: 50, sent: 50, pending: 0 } },
  });
  await recordHistory(world, taskId, 'single');
  await recordHistory(world, pushIdOf(taskId), 'push');
});

test('a task with an empty audience completes with zeros and the reason', async () => {
  const owner = await openShop(world);
  const taskId = await startTask(owner);
  const body = await reaches(taskId, 'completed', owner);
  expect(body.statusReason).toBe('the audience is empty');
  expect(body.latestPush.statistics).toMatchObject({
    final: true,
    statistics: { planned: 0, matched: 0, sent: 0 },
  });
  await recordHistory(world, pushIdOf(taskId), 'push-empty');
});

test('an audience without matched devices completes at once, and its deliveries stay for the window', async () => {
  const taskId = await startTask(shop, { audience: await audienceOf('stranger-1', 'stranger-2') });
  const { latestPush, statusReason } = await reaches(taskId, 'completed');
  expect(statusReason).toBe('no device could be sent to');
  const readDeliveries = () =>
    shop.call<{ items: unknown[] }>(shop.marketer, 'GET', `/v1/pushes/${pushIdOf(taskId)}/deliveries`);
  const details = await readDeliveries();
  expect(details).toMatchObject({
    status: 200,
    body: { items: [{ deviceId: 'stranger-1' }, { deviceId: 'stranger-2' }] },
  });
  expect(latestPush.statistics).toMatchObject({
    final: true,
    statistics: { planned: 2, losses: 2, lossReasons: { unknown_device: 2 } },
  });
  await until(readDeliveries, ({ status }) => status === 410);
});

test('a manual task is pushed at each send, also while the last push still collects', async () => {
  const taskId = await startTask(shop, { pushType: 'manual' });
  for (const seq of [1, 2]) {
    expect((await callAction(shop, shop.marketer, taskId, 'send')).status).toBe(200);
    await pushIn(shop, pushIdOf(taskId, seq), 'collecting');
    await reaches(taskId, 'scheduled');
  }
  const { body } = await shop.call<{ items: { seq: number }[] }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}/pushes`,
  );
  expect(body.items.map(({ seq }) => seq).sort()).toEqual([1, 2]);
  expect((await callAction(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
  await recordHistory(world, taskId, 'manual');
  for (const seq of [1, 2]) await pushIn(shop, pushIdOf(taskId, seq), 'completed');
});

test('a task that is paused past its late policy expires at the resume, and sends nothing', async () => {
  const pushAt = new Date(Date.now() + 800).toISOString();
  const latePolicy = { action: 'skip', afterMinutes: 0 };
  const taskId = await startTask(shop, { pushAt, latePolicy });
  expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await until(async () => Date.now() > Date.parse(pushAt) + 50, Boolean);
  await callAction(shop, shop.marketer, taskId, 'resume');
  expect((await reaches(taskId, 'expired')).statusReason).toBe('the push time was missed');
  await recordHistory(world, taskId, 'expired');
});

test('a task without an approval before its push time expires', async () => {
  const pushAt = new Date(Date.now() + 700).toISOString();
  const latePolicy = { action: 'skip', afterMinutes: 0 };
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, pushAt, latePolicy });
  await callAction(shop, shop.marketer, taskId, 'submit');
  expect((await reaches(taskId, 'expired')).statusReason).toBe('no approval came before the push time');
  expect((await callAction(shop, shop.approver, taskId, 'approve', { revision: 1 })).status).toBe(409);
});

test('a paused push closes with its window, and its unsent devices are window_closed', async () => {
  const slow = { delayMs: { min: 200, max: 300 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const many = await openShopWithDevices(world, 3000);
  const taskId = await startTask(many);
  await until(world.simulators.control.counts, ({ processed }) => processed > 400);
  expect((await callAction(many, many.marketer, taskId, 'pause')).status).toBe(200);
  await recordHistory(world, taskId, 'paused');
  const body = await reaches(taskId, 'completed', many);
  const statistics = body.latestPush.statistics.statistics as Record<string, number> & {
    notSentReasons: Record<string, number>;
  };
  expect(statistics['notSent']).toBeGreaterThan(0);
  expect(statistics.notSentReasons['window_closed']).toBe(statistics['notSent']);
  expect(statistics['pending']).toBe(0);
  await recordHistory(world, pushIdOf(taskId), 'push-window-closed');
});

test('the workflow shows operators its state and the commands that apply now', async () => {
  const pushAt = new Date(Date.now() + 3_600_000).toISOString();
  const taskId = await startTask(shop, { pushAt });
  const handle = world.env.client.workflow.getHandle(taskId);
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toContain('**scheduled**');
  expect(metadata.currentDetails).toContain(`temporal workflow signal --workflow-id ${taskId} --name pause`);
  const found = async () =>
    (await world.env.client.workflow.count(`TaskStatus = 'scheduled' AND AppId = '${shop.appId}'`)).count;
  await until(found, (count) => count > 0);
  await callAction(shop, shop.marketer, taskId, 'cancel');
});
