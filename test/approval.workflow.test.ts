import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWebhookDeliverer } from '../activities/webhooks/webhook-deliverer.ts';
import { createFindTarget } from '../security/outbound-targets.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { type Receiver, startReceiver } from './webhook-receiver.ts';
import {
  type Caller,
  callAction,
  createTask,
  everybody,
  openShopWithDevices,
  type Shop,
} from './world/shop.ts';
import { readTask, taskIn } from './world/task.ts';
import { ADMIN_KEY, useWorld } from './world/world.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const world = useWorld(createTimeSkipping);
let receiver: Receiver;
let deliverer: ReturnType<typeof startWebhookDeliverer>;
beforeAll(async () => {
  receiver = await startReceiver();
  deliverer = startWebhookDeliverer({
    db: world.db,
    clock: world.clock,
    log: pino({ level: 'silent' }),
    open: (sealed) => world.vault.open(sealed),
    findTarget: createFindTarget(['127.0.0.0/8']),
  });
});
afterAll(async () => {
  await receiver.close();
  await deliverer.stop();
});
beforeEach(() => receiver.received.splice(0));

const EVENTS = [
  'task.status_changed',
  'task.approval_requested',
  'task.approval_reminder',
  'push.status_changed',
];

async function open(settings: object): Promise<Shop> {
  const shop = await openShopWithDevices(world, 4, { ...settings });
  const hook = { url: receiver.url, events: EVENTS };
  expect((await shop.call(shop.operator, 'POST', '/v1/webhooks', hook)).status).toBe(201);
  return shop;
}
async function submitted(shop: Shop, more: object = {}): Promise<string> {
  const pushAt = new Date((await world.clock()).getTime() + DAY).toISOString();
  const audience = { id: await everybody(shop) };
  const taskId = await createTask(shop, { audience, pushAt, latePolicy: { action: 'send' }, ...more });
  expect((await callAction(shop, shop.marketer, taskId, 'submit')).status).toBe(200);
  return taskId;
}
const approve = (shop: Shop, by: Caller, taskId: string, revision = 1) =>
  callAction(shop, by, taskId, 'approve', { revision });
const person = async (shop: Shop, role: string) =>
  (await shop.call<Caller>(ADMIN_KEY, 'POST', `/v1/apps/${shop.appId}/keys`, { role, name: role })).body;
const told = (taskId: string, type: string) =>
  receiver.received.filter(({ body }) => body.type === type && body.data['taskId'] === taskId);

describe('the approvers', () => {
  test('a task needs as many approvers as the app requires, and one person counts once', async () => {
    const shop = await open({ approvalsRequired: 2 });
    const taskId = await submitted(shop);
    expect(await approve(shop, shop.approver, taskId)).toMatchObject({
      body: { status: 'pending_approval' },
    });
    expect(await approve(shop, shop.approver, taskId)).toMatchObject({
      status: 409,
      body: { detail: 'this person has already approved this revision' },
    });
    const second = await person(shop, 'approver');
    expect(await approve(shop, second, taskId)).toMatchObject({ body: { status: 'scheduled' } });
    const { body } = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/decisions`);
    expect(body['items']).toMatchObject([
      { personId: shop.approver.personId, revision: 1, via: 'api', decision: 'approve' },
      { personId: second.personId, revision: 1, via: 'api', decision: 'approve' },
    ]);
  });

  test('the app chooses who approves: its approvers may be marketers, makers of the task included', async () => {
    const shop = await open({});
    const taskId = await submitted(shop);
    expect((await approve(shop, shop.marketer, taskId)).status).toBe(403);
    const set = (settings: object) => shop.call(shop.operator, 'PATCH', '/v1/app', settings);
    await set({ approverRoles: ['marketer'] });
    const codeOf = (by: Caller) => shop.call(by, 'GET', `/v1/tasks/${taskId}/approval-code`);
    for (const asked of [approve(shop, shop.approver, taskId), codeOf(shop.approver)]) {
      expect(await asked).toMatchObject({
        status: 403,
        body: { detail: expect.stringContaining('approver') },
      });
    }
    expect(await approve(shop, shop.marketer, taskId)).toMatchObject({
      status: 409,
      body: { detail: 'the maker of a revision may not approve it' },
    });
    await set({ makerMayApprove: true });
    expect(await approve(shop, shop.marketer, taskId)).toMatchObject({ body: { status: 'scheduled' } });
  });

  test('the submitter of a revision gets no approval code for it, and is told why', async () => {
    const shop = await open({});
    const taskId = await createTask(shop, { audience: { id: await everybody(shop) } });
    const content = { title: 'Sale', body: 'Edited by somebody else' };
    await shop.call(shop.operator, 'PATCH', `/v1/tasks/${taskId}`, { content });
    await callAction(shop, shop.marketer, taskId, 'submit');
    expect(await readTask(shop, taskId)).toMatchObject({ revision: 2, madeBy: shop.operator.personId });
    await world.db
      .updateTable('people')
      .set({ role: 'approver' })
      .where('id', '=', shop.marketer.personId)
      .execute();
    world.app.guard.forget();
    const { status, body } = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/approval-code`);
    expect(status).toBe(403);
    expect(body['detail']).toContain('maker');
  });

  test('several tasks decided in one request: each by itself, with its own result', async () => {
    const shop = await open({});
    const [first, second, stale] = await Promise.all([submitted(shop), submitted(shop), submitted(shop)]);
    const draft = await createTask(shop, { audience: { id: await everybody(shop) } });
    const items = [
      { taskId: first, revision: 1 },
      { taskId: second, revision: 1 },
      { taskId: stale, revision: 7 },
      { taskId: draft, revision: 1 },
      { taskId: 'task-0000000000', revision: 1 },
    ];
    const { status, body } = await shop.call<{ items: { httpStatus: number }[] }>(
      shop.approver,
      'POST',
      '/v1/tasks/approve-many',
      { items, comment: 'All read' },
    );
    expect(status).toBe(200);
    expect(body.items.map((item) => item.httpStatus)).toEqual([200, 200, 409, 409, 404]);
    expect(body.items).toMatchObject([
      { taskId: first, status: 'scheduled' },
      { taskId: second, status: 'scheduled' },
      { taskId: stale, status: null, detail: expect.stringContaining('revision 7') },
      { taskId: draft, code: 'not_allowed_now' },
      { code: 'not_found' },
    ]);
    expect((await readTask(shop, stale)).status).toBe('pending_approval');
    const rejects = { items: [{ taskId: stale, revision: 1 }], reason: 'Not now' };
    const rejected = await shop.call(shop.approver, 'POST', '/v1/tasks/reject-many', rejects);
    expect(rejected.body['items']).toMatchObject([{ httpStatus: 200, status: 'rejected' }]);
    expect(await readTask(shop, stale)).toMatchObject({ statusReason: 'Not now' });
    const twice = { items: [items[0], items[0]] };
    expect((await shop.call(shop.approver, 'POST', '/v1/tasks/approve-many', twice)).status).toBe(400);
    expect((await shop.call(shop.marketer, 'POST', '/v1/tasks/approve-many', { items })).status).toBe(403);
  });
});

describe('the time limit', () => {
  test('`expire`: approvers are notified, reminded once, and then the task expires', async () => {
    const shop = await open({ approvalTimeLimitMinutes: 60, approvalReminderMinutes: 20 });
    const taskId = await submitted(shop);
    await until(
      async () => told(taskId, 'task.approval_requested').length,
      (count) => count === 1,
    );
    const [asked] = told(taskId, 'task.approval_requested');
    const waits = Date.parse(String(asked?.body.data['dueAt'])) - Date.parse(String(asked?.body.timestamp));
    expect(Math.abs(waits - 60 * MINUTE)).toBeLessThan(MINUTE);
    expect(told(taskId, 'task.approval_reminder')).toEqual([]);
    await world.env.sleep(45 * MINUTE);
    await until(
      async () => told(taskId, 'task.approval_reminder').length,
      (count) => count === 1,
    );
    expect(told(taskId, 'task.approval_reminder')[0]?.body.data).toMatchObject({
      taskId,
      revision: 1,
      approvalsRequired: 1,
    });
    await world.env.sleep(20 * MINUTE);
    expect((await taskIn(shop, taskId, 'expired')).statusReason).toBe(
      'no approval came within the time limit',
    );
    expect(told(taskId, 'task.approval_reminder')).toHaveLength(1);
  });

  test('`late_policy`: a late approval counts within the limit of the late policy', async () => {
    const shop = await open({ approvalTimeLimitMinutes: 60, onApprovalTimeout: 'late_policy' });
    const taskId = await submitted(shop);
    await world.env.sleep(2 * DAY);
    expect((await approve(shop, shop.approver, taskId)).status).toBe(200);
    await until(
      () => readTask(shop, taskId),
      ({ status }) => status === 'collecting' || status === 'completed',
    );
    const statuses = await until(
      async () => told(taskId, 'push.status_changed').map(({ body }) => body.data['status']),
      (all) => all.includes('collecting'),
    );
    expect(statuses).toEqual(expect.arrayContaining(['preparing', 'sending', 'collecting']));
    const numbers = told(taskId, 'push.status_changed').map(({ body }) => Number(body.data['sequence']));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });
});
