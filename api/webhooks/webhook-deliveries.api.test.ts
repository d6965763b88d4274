import { describe, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useWebhooks } from '../../test/setup/webhooks.ts';
import { startReceiver } from '../../test/webhook-receiver.ts';

const hooks = useWebhooks();
const { api, createTask, createWebhook, lastLine, lines, operator, ping, webhook } = hooks;

describe('a message', () => {
  test('tells a change of status, signed and with a growing number, once to each endpoint', async () => {
    const { id, secret } = await createWebhook();
    const { body: task } = await createTask();
    await api.deps.db
      .updateTable('tasks')
      .set({ status: 'pending_approval', updated_at: api.clock.now })
      .where('id', '=', String(task['id']))
      .execute();
    await expect.poll(() => hooks.receiver.received.length).toBe(3);
    expect(hooks.receiver.received.every((one) => one.isSignedBy(secret))).toBe(true);
    expect(hooks.receiver.received.some((one) => one.isSignedBy(`${secret.slice(0, -4)}AAA=`))).toBe(false);
    const bodies = hooks.receiver.received.map(({ body }) => body);
    expect(bodies).toMatchObject([
      { type: 'task.status_changed', data: { taskId: task['id'], status: 'draft', previousStatus: null } },
      { type: 'task.status_changed', data: { status: 'pending_approval', previousStatus: 'draft' } },
      { type: 'task.approval_requested', data: { taskId: task['id'], revision: 1, approvalsRequired: 1 } },
    ]);
    const numbers = bodies.map(({ data }) => Number(data['sequence']));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(bodies[0]?.timestamp).toBe(api.clock.now.toISOString());
    await lastLine(id).toMatchObject({ status: 'delivered', attempts: 1, lastStatus: 204 });
  });

  test('goes only to endpoints of the app that asked for its event', async () => {
    await createWebhook(hooks.receiver.url, ['push.status_changed']);
    const other = await openShop(api);
    await other.marketer.call('POST', '/v1/tasks', newTask(other));
    await createTask();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await expect.poll(() => hooks.receiver.received.map((one) => one.id)).toEqual([messageId]);
  });

  test('is not sent for a status that is rolled back', async () => {
    const { id } = await createWebhook();
    const { body: task } = await createTask();
    const rolledBack = api.deps.db.transaction().execute(async (trx) => {
      await trx.updateTable('tasks').set({ status: 'failed' }).where('id', '=', String(task['id'])).execute();
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(await lines(id)).toHaveLength(1);
  });
});

describe('an endpoint that fails', () => {
  test('gets retries under the same ID until it accepts', async () => {
    hooks.receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'pending', attempts: 1, lastError: 'answered 500' });
    expect((await webhook(id))['failingSince']).not.toBeNull();
    hooks.receiver.answer = (response) => response.writeHead(200).end('ok');
    api.clock.advance(7_000);
    await lastLine(id).toMatchObject({ status: 'delivered', attempts: 2, lastError: null });
    expect(hooks.receiver.received.map((one) => one.id)).toEqual([messageId, messageId]);
    expect((await webhook(id))['failingSince']).toBeNull();
    const { body } = await operator.call('GET', `/v1/webhooks/${id}/deliveries/${messageId}`);
    expect(body['attemptLog']).toMatchObject([
      { attempt: 2, status: 200, error: null },
      { attempt: 1, status: 500, error: 'answered 500' },
    ]);
  });

  test('gets no attempt before its Retry-After', async () => {
    hooks.receiver.answer = (response) => response.writeHead(503, { 'retry-after': '600' }).end();
    const { id } = await createWebhook();
    await ping(id);
    const at = new Date(api.clock.now.getTime() + 600_000).toISOString();
    await lastLine(id).toMatchObject({ attempts: 1, nextAttemptAt: at });
  });

  test('is disabled by a 410, and messages fail until they are replayed', async () => {
    hooks.receiver.answer = (response) => response.writeHead(410).end();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'failed', lastStatus: 410 });
    expect(await webhook(id)).toMatchObject({ disabledReason: 'the endpoint answered 410 Gone' });
    await createTask();
    expect((await lines(id))[0]).toMatchObject({ status: 'failed', lastError: 'the endpoint was disabled' });
    const since = { since: '2026-01-01T00:00:00Z' };
    expect((await operator.call('POST', `/v1/webhooks/${id}/replay-failed`, since)).status).toBe(409);
    hooks.receiver.answer = (response) => response.writeHead(204).end();
    await operator.call('PATCH', `/v1/webhooks/${id}`, { disabled: false });
    const { body } = await operator.call('POST', `/v1/webhooks/${id}/replay-failed`, since);
    expect(body).toEqual({ replayed: 2 });
    await expect
      .poll(async () => (await lines(id)).map((line) => line.status))
      .toEqual(['delivered', 'delivered']);
    expect(hooks.receiver.received.filter((one) => one.id === messageId)).toHaveLength(2);
  });

  test('loses a message after a day, and is disabled after five days of failures', async () => {
    hooks.receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await createWebhook();
    await ping(id);
    await lastLine(id).toMatchObject({ attempts: 1 });
    api.clock.advance(25 * 3_600_000);
    await lastLine(id).toMatchObject({ status: 'failed', attempts: 2 });
    expect((await webhook(id))['disabledAt']).toBeNull();
    api.clock.advance(4 * 24 * 3_600_000);
    await ping(id);
    await expect
      .poll(async () => (await webhook(id))['disabledReason'])
      .toBe('the endpoint has failed for 5 days');
  });

  test('is not followed through redirects', async () => {
    const elsewhere = await startReceiver();
    hooks.receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    const { id } = await createWebhook();
    await ping(id);
    await lastLine(id).toMatchObject({ lastError: 'answered 307: redirects are not followed' });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  test('times out after 10 s and delays no other endpoint', async () => {
    hooks.receiver.answer = () => undefined;
    const hanging = await createWebhook();
    await Promise.all(Array.from({ length: 10 }, () => ping(hanging.id)));
    const quick = await startReceiver();
    const other = await createWebhook(quick.url);
    const began = performance.now();
    await ping(other.id);
    await expect.poll(() => quick.received.length).toBe(1);
    expect(performance.now() - began).toBeLessThan(5_000);
    await expect
      .poll(async () => (await lines(hanging.id)).filter((line) => line.attempts > 0), { timeout: 20_000 })
      .toContainEqual(expect.objectContaining({ lastStatus: null, lastError: 'no answer within 10 s' }));
    await quick.close();
  });

  test('has an endless answer cut off, and its status counts', async () => {
    let written = 0;
    hooks.receiver.answer = (response) => {
      response.writeHead(200);
      const pump = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
        if (!response.destroyed) response.once('drain', pump);
      };
      pump();
    };
    const { id } = await createWebhook();
    await ping(id);
    await lastLine(id).toMatchObject({ status: 'delivered', lastStatus: 200 });
    expect(written).toBeLessThan(50_000_000);
  });
});
