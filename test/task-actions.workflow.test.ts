import { beforeEach, describe, expect, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, openShopWithDevices } from './world/shop.ts';
import { readTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const HOUR = 3_600_000;

const world = useWorld(createLocal);
const shop = fixture(beforeEach, () => openShopWithDevices(world, 10));
const audience = fixture(beforeEach, async () => ({ id: await everybody(shop) }));

const inAnHour = () => new Date(Date.now() + HOUR).toISOString();
const single = () => createTask(shop, { audience, pushAt: inAnHour() });
const submit = (taskId: string) => callAction(shop, shop.marketer, taskId, 'submit');
const approve = (taskId: string, revision = 1) =>
  callAction(shop, shop.approver, taskId, 'approve', { revision, comment: 'Go' });

describe('submitting and deciding', () => {
  test('submit, approve: the answer equals what Postgres then shows', async () => {
    const taskId = await single();
    const submitted = await submit(taskId);
    expect(submitted).toMatchObject({ status: 200, body: { status: 'pending_approval', pending: false } });
    expect(submitted.body['warnings']).toMatchObject([
      { code: 'sends_at', detail: expect.stringMatching(/^Once it is approved, .* about 10 devices$/) },
    ]);
    expect((await readTask<{ warnings: unknown[] }>(shop, taskId)).warnings).toContainEqual(
      expect.objectContaining({ code: 'sends_at' }),
    );
    expect((await readTask(shop, taskId)).status).toBe('pending_approval');
    const approved = await approve(taskId);
    expect(approved).toMatchObject({ status: 200, body: { status: 'scheduled' } });
    expect(approved.body['warnings']).toMatchObject([
      { detail: expect.stringMatching(/^The push is sent at/) },
    ]);
    expect(await readTask(shop, taskId)).toMatchObject({ status: 'scheduled', approvedRevision: 1 });
    const { body } = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/decisions`);
    expect(body['items']).toMatchObject([
      { decision: 'approve', via: 'api', personId: shop.approver.personId },
    ]);
    const audit = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/audit`);
    expect(audit.body['items']).toContainEqual(expect.objectContaining({ action: 'approve', remark: 'Go' }));
  });

  test('an action that the status does not allow is a 409 with the reason, before and in the workflow', async () => {
    const taskId = await single();
    expect(await approve(taskId)).toMatchObject({ status: 409, body: { code: 'not_allowed_now' } });
    await submit(taskId);
    expect(await submit(taskId)).toMatchObject({ status: 409 });
    const stale = await approve(taskId, 7);
    expect(stale).toMatchObject({ status: 409, body: { detail: expect.stringContaining('revision 7') } });
  });

  test('reject needs a reason, and the rejected task is edited and submitted again', async () => {
    const taskId = await single();
    await submit(taskId);
    expect((await callAction(shop, shop.approver, taskId, 'reject', { revision: 1 })).status).toBe(400);
    const rejected = await callAction(shop, shop.approver, taskId, 'reject', { revision: 1, reason: 'Typo' });
    expect(rejected).toMatchObject({ status: 200, body: { status: 'rejected' } });
    expect(await readTask(shop, taskId)).toMatchObject({ status: 'rejected', statusReason: 'Typo' });
    const patch = { content: { title: 'Sale!', body: 'Today' } };
    const edited = await shop.call(shop.marketer, 'PATCH', `/v1/tasks/${taskId}`, patch);
    expect(edited.body).toMatchObject({ status: 'draft', revision: 2 });
    expect(await submit(taskId)).toMatchObject({
      status: 200,
      body: { status: 'pending_approval', revision: 2 },
    });
    await callAction(shop, shop.approver, taskId, 'approve', { revision: 2 });
    const { body } = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/decisions`);
    expect(body['items']).toMatchObject([
      { submission: 1, revision: 1, decision: 'reject', remark: 'Typo' },
      { submission: 2, revision: 2, decision: 'approve', remark: null },
    ]);
  });

  test('withdraw and submit at once again: the last workflow may still be closing', async () => {
    const taskId = await single();
    for (let round = 0; round < 3; round++) {
      expect(await submit(taskId)).toMatchObject({ status: 200, body: { status: 'pending_approval' } });
      expect(await callAction(shop, shop.marketer, taskId, 'withdraw')).toMatchObject({
        body: { status: 'draft' },
      });
    }
  });

  test('the code of an approver is valid in a plain signal', async () => {
    const taskId = await single();
    expect((await shop.call(shop.approver, 'GET', `/v1/tasks/${taskId}/approval-code`)).status).toBe(409);
    await submit(taskId);
    expect((await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}/approval-code`)).status).toBe(403);
    const { body } = await shop.call<{ command: string }>(
      shop.approver,
      'GET',
      `/v1/tasks/${taskId}/approval-code`,
    );
    const input = /--workflow-id (\S+) --name approve .* --input (\S+)$/.exec(body.command);
    expect(input?.[1]).toBe(taskId);
    const payload: unknown = JSON.parse(Buffer.from(input?.[2] ?? '', 'base64').toString());
    await world.env.client.workflow.getHandle(taskId).signal('approve', payload);
    await taskIn(shop, taskId, 'scheduled');
  });
});

describe('a scheduled task', () => {
  const scheduled = async () => {
    const taskId = await single();
    await submit(taskId);
    await approve(taskId);
    return taskId;
  };

  test('an edit makes a revision, which goes back to approval', async () => {
    const taskId = await scheduled();
    const patch = { content: { title: 'Changed', body: 'Today' } };
    const edited = await shop.call(shop.marketer, 'PATCH', `/v1/tasks/${taskId}`, patch);
    expect(edited).toMatchObject({
      status: 200,
      body: { status: 'pending_approval', revision: 2, definition: { content: { title: 'Changed' } } },
    });
    expect(await approve(taskId, 1)).toMatchObject({ status: 409 });
    expect(await approve(taskId, 2)).toMatchObject({ status: 200, body: { status: 'scheduled' } });
  });

  test('pause, set rate, resume, cancel', async () => {
    const taskId = await scheduled();
    const put = { ratePerSecond: 50 };
    expect(await callAction(shop, shop.marketer, taskId, 'pause')).toMatchObject({
      body: { status: 'paused' },
    });
    expect((await shop.call(shop.marketer, 'PUT', `/v1/tasks/${taskId}/rate`, put)).status).toBe(200);
    expect(await readTask(shop, taskId)).toMatchObject({
      ratePerSecond: 50,
      allowed: expect.arrayContaining(['resume']),
    });
    expect(await callAction(shop, shop.marketer, taskId, 'resume')).toMatchObject({
      body: { status: 'scheduled' },
    });
    expect(await callAction(shop, shop.marketer, taskId, 'cancel')).toMatchObject({
      body: { status: 'cancelled' },
    });
    expect(await callAction(shop, shop.marketer, taskId, 'pause')).toMatchObject({ status: 409 });
  });

  test('delete cancels and archives it', async () => {
    const taskId = await scheduled();
    const deleted = await shop.call(shop.marketer, 'DELETE', `/v1/tasks/${taskId}`);
    expect(deleted).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await readTask(shop, taskId)).toMatchObject({
      status: 'cancelled',
      archivedAt: expect.any(String),
    });
  });
});

describe('a manual task', () => {
  test('each send is a push, and a repeated Idempotency-Key is the same push', async () => {
    const taskId = await createTask(shop, { audience, pushType: 'manual' });
    await submit(taskId);
    await approve(taskId);
    for (const key of ['send-0001', 'send-0001', 'send-0002']) {
      const response = await world.app.inject({
        method: 'POST',
        url: `/v1/tasks/${taskId}/send`,
        headers: { authorization: `Bearer ${shop.marketer.key}`, 'idempotency-key': key },
      });
      expect(response.statusCode).toBe(200);
    }
    const history = async () =>
      (await shop.call<{ items: unknown[] }>(shop.marketer, 'GET', `/v1/tasks/${taskId}/pushes`)).body.items;
    await until(history, (items) => items.length === 2);
    await taskIn(shop, taskId, 'scheduled');
    expect(await history()).toMatchObject([
      { seq: 2, statistics: { statistics: { planned: 10, sent: 10 } } },
      { seq: 1 },
    ]);
  });
});

describe('while no worker runs', () => {
  test('a pause is left as a signal, the answer says so, and the next worker takes it up', async () => {
    const taskId = await single();
    await submit(taskId);
    await approve(taskId);
    await world.stopWorkers();
    const paused = await callAction(shop, shop.marketer, taskId, 'pause');
    expect(paused).toMatchObject({ status: 202, body: { pending: true, status: 'scheduled' } });
    await world.startWorkers();
    await taskIn(shop, taskId, 'paused');
  });
});
