import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordHistory } from './replay/record.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import {
  createTask,
  everybody,
  importDevices,
  openShop,
  type Shop,
  submitAndApprove,
  verb,
} from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

/** Short, so that a push comes to its end while the test looks on. */
const WINDOW_MS = 2500;

let world: World;
let shop: Shop;
beforeAll(async () => {
  world = await createWorld(createLocal, { receiptWindowMs: WINDOW_MS });
  shop = await openShop(world);
  await importDevices(shop, 50);
});
afterAll(() => world.close());

const pushOf = (taskId: string, seq = 1) => `${taskId.replace('task-', 'push-')}-${seq}`;

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

async function reaches(taskId: string, status: string): Promise<TaskBody> {
  const read = () => shop.call<TaskBody>(shop.marketer, 'GET', `/v1/tasks/${taskId}`);
  return (await until(read, ({ body }) => body.status === status)).body;
}

test('a single task goes from approval to frozen statistics', async () => {
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) } });
  await submitAndApprove(shop, taskId);
  const { latestPush } = await reaches(taskId, 'completed');
  expect(latestPush).toMatchObject({
    status: 'completed',
    statistics: { final: true, statistics: { planned: 50, sent: 50, pending: 0 } },
  });
  await recordHistory(world, taskId, 'single');
  await recordHistory(world, pushOf(taskId), 'push');
});

test('a task with an empty audience completes with zeros and says why', async () => {
  const owner = await openShop(world);
  const taskId = await createTask(owner, { audience: { id: await everybody(owner) } });
  await submitAndApprove(owner, taskId);
  const read = () => owner.call<TaskBody>(owner.marketer, 'GET', `/v1/tasks/${taskId}`);
  const { body } = await until(read, (answer) => answer.body.status === 'completed');
  expect(body.statusReason).toBe('the audience is empty');
  expect(body.latestPush.statistics).toMatchObject({
    final: true,
    statistics: { planned: 0, matched: 0, sent: 0 },
  });
  await recordHistory(world, pushOf(taskId), 'push-empty');
});

test('an audience that matches nobody is lost with its reasons, and its details stay for the window', async () => {
  const taskId = await createTask(shop, { audience: await audienceOf('stranger-1', 'stranger-2') });
  await submitAndApprove(shop, taskId);
  await reaches(taskId, 'collecting');
  const details = await shop.call<{ items: unknown[] }>(
    shop.marketer,
    'GET',
    `/v1/pushes/${pushOf(taskId)}/deliveries`,
  );
  expect(details).toMatchObject({
    status: 200,
    body: { items: [{ deviceId: 'stranger-1' }, { deviceId: 'stranger-2' }] },
  });
  const { latestPush } = await reaches(taskId, 'completed');
  expect(latestPush.statistics.statistics).toMatchObject({
    planned: 2,
    losses: 2,
    lossReasons: { unknown_device: 2 },
  });
});

test('a manual task is pushed whenever somebody says send, also while the last push still collects', async () => {
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, pushType: 'manual' });
  await submitAndApprove(shop, taskId);
  for (const seq of [1, 2]) {
    expect((await verb(shop, shop.marketer, taskId, 'send')).status).toBe(200);
    const read = () =>
      shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/pushes/${pushOf(taskId, seq)}`);
    await until(read, ({ body }) => body.status === 'collecting');
    await reaches(taskId, 'scheduled');
  }
  const { body } = await shop.call<{ items: { seq: number }[] }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}/pushes`,
  );
  expect(body.items.map(({ seq }) => seq).sort()).toEqual([1, 2]);
  expect((await verb(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
  await recordHistory(world, taskId, 'manual');
  for (const seq of [1, 2]) {
    const read = () =>
      shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/pushes/${pushOf(taskId, seq)}`);
    await until(read, ({ body: push }) => push.status === 'completed');
  }
});

test('a task that is paused past its late policy expires at the resume, and sends nothing', async () => {
  const pushAt = new Date(Date.now() + 800).toISOString();
  const latePolicy = { action: 'skip', afterMinutes: 0 };
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, pushAt, latePolicy });
  await submitAndApprove(shop, taskId);
  expect((await verb(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await until(async () => Date.now() > Date.parse(pushAt) + 50, Boolean);
  await verb(shop, shop.marketer, taskId, 'resume');
  expect((await reaches(taskId, 'expired')).statusReason).toBe('the push time was missed');
  await recordHistory(world, taskId, 'expired');
});

test('no approval before the push time expires the task by itself', async () => {
  const pushAt = new Date(Date.now() + 700).toISOString();
  const latePolicy = { action: 'skip', afterMinutes: 0 };
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, pushAt, latePolicy });
  await verb(shop, shop.marketer, taskId, 'submit');
  expect((await reaches(taskId, 'expired')).statusReason).toBe('no approval came before the push time');
  expect((await verb(shop, shop.approver, taskId, 'approve', { revision: 1 })).status).toBe(409);
});

test('a paused push closes with its window: what is unsent then is window_closed', async () => {
  const slow = { delayMs: { min: 200, max: 300 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const many = await openShop(world);
  await importDevices(many, 3000);
  const taskId = await createTask(many, { audience: { id: await everybody(many) } });
  await submitAndApprove(many, taskId);
  await until(world.simulators.control.counts, ({ processed }) => processed > 400);
  expect((await verb(many, many.marketer, taskId, 'pause')).status).toBe(200);
  await recordHistory(world, taskId, 'paused');
  const read = () => many.call<TaskBody>(many.marketer, 'GET', `/v1/tasks/${taskId}`);
  const { body } = await until(read, (answer) => answer.body.status === 'completed');
  const statistics = body.latestPush.statistics.statistics as Record<string, number> & {
    notSentReasons: Record<string, number>;
  };
  expect(statistics['notSent']).toBeGreaterThan(0);
  expect(statistics.notSentReasons['window_closed']).toBe(statistics['notSent']);
  expect(statistics['pending']).toBe(0);
  await recordHistory(world, pushOf(taskId), 'push-window-closed');
});

test('the workflow shows operators what it does and the commands that apply now', async () => {
  const pushAt = new Date(Date.now() + 3_600_000).toISOString();
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, pushAt });
  await submitAndApprove(shop, taskId);
  const handle = world.env.client.workflow.getHandle(taskId);
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toContain('**scheduled**');
  expect(metadata.currentDetails).toContain(`temporal workflow signal --workflow-id ${taskId} --name pause`);
  const found = async () =>
    (await world.env.client.workflow.count(`TaskStatus = 'scheduled' AND AppId = '${shop.appId}'`)).count;
  await until(found, (count) => count > 0);
  await verb(shop, shop.marketer, taskId, 'cancel');
});
