import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWebhookDeliverer } from '../../activities/webhook-deliverer.ts';
import { type Receiver, startReceiver } from '../../test/webhook-receiver.ts';
import { createFindTarget } from '../../webhook-targets.ts';
import { type Caller, newTask, openShop, type Shop } from '../shop-fixture.ts';
import { ADMIN_KEY, startTestApi, type TestApi } from '../testing.ts';

const RANGES = ['127.0.0.0/8'];
const EVERYTHING = ['task.status_changed', 'task.approval_requested', 'push.status_changed'];

let api: TestApi;
let shop: Shop;
let operator: Caller;
let receiver: Receiver;
let deliverer: ReturnType<typeof startWebhookDeliverer>;

const deliver = () =>
  startWebhookDeliverer({
    db: api.deps.db,
    clock: api.deps.clock,
    log: pino({ level: 'silent' }),
    open: (sealed) => api.deps.vault.open(sealed),
    findTarget: createFindTarget(RANGES),
  });

beforeAll(async () => {
  api = await startTestApi({
    config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: RANGES },
  });
});
afterAll(() => api.stop());
beforeEach(async () => {
  shop = await openShop(api);
  operator = await shop.person('operator');
  receiver = await startReceiver();
  deliverer = deliver();
});
afterEach(async () => {
  await receiver.close();
  await deliverer.stop();
});

interface Line {
  messageId: string;
  type: string;
  status: string;
  attempts: number;
  lastStatus: number | null;
  lastError: string | null;
  nextAttemptAt: string | null;
}

async function createWebhook(url = receiver.url, events = EVERYTHING) {
  const { status, body } = await operator.call('POST', '/v1/webhooks', { url, events });
  expect(status).toBe(201);
  return body as { id: string; secret: string };
}
async function lines(id: string): Promise<Line[]> {
  return (await operator.call('GET', `/v1/webhooks/${id}/deliveries`)).body['items'] as Line[];
}
const ping = async (id: string) =>
  (await operator.call('POST', `/v1/webhooks/${id}/ping`)).body['messageId'] as string;
const webhook = async (id: string) => (await operator.call('GET', `/v1/webhooks/${id}`)).body;
const lastLine = (id: string) => expect.poll(async () => (await lines(id))[0]);
const createTask = () => shop.marketer.call('POST', '/v1/tasks', newTask(shop));

describe('what is delivered', () => {
  test('a change of status, signed, with a number that grows, once for each endpoint', async () => {
    const { id, secret } = await createWebhook();
    const { body: task } = await createTask();
    await api.deps.db
      .updateTable('tasks')
      .set({ status: 'pending_approval', updated_at: api.clock.now })
      .where('id', '=', String(task['id']))
      .execute();
    await expect.poll(() => receiver.received.length).toBe(3);
    expect(receiver.received.every((one) => one.isSignedBy(secret))).toBe(true);
    expect(receiver.received.some((one) => one.isSignedBy(`${secret.slice(0, -4)}AAA=`))).toBe(false);
    const bodies = receiver.received.map(({ body }) => body);
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

  test('only what the endpoint asked for, and nothing of another app', async () => {
    await createWebhook(receiver.url, ['push.status_changed']);
    const other = await openShop(api);
    await other.marketer.call('POST', '/v1/tasks', newTask(other));
    await createTask();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await expect.poll(() => receiver.received.map((one) => one.id)).toEqual([messageId]);
  });

  test('a status that is rolled back is told to nobody', async () => {
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

describe('an endpoint that does not take it', () => {
  test('is tried again after a while under the same ID, until it takes it', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'pending', attempts: 1, lastError: 'answered 500' });
    expect((await webhook(id))['failingSince']).not.toBeNull();
    receiver.answer = (response) => response.writeHead(200).end('ok');
    api.clock.advance(7_000);
    await lastLine(id).toMatchObject({ status: 'delivered', attempts: 2, lastError: null });
    expect(receiver.received.map((one) => one.id)).toEqual([messageId, messageId]);
    expect((await webhook(id))['failingSince']).toBeNull();
    const { body } = await operator.call('GET', `/v1/webhooks/${id}/deliveries/${messageId}`);
    expect(body['attemptLog']).toMatchObject([
      { attempt: 2, status: 200, error: null },
      { attempt: 1, status: 500, error: 'answered 500' },
    ]);
  });

  test('is left alone for as long as it says', async () => {
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '600' }).end();
    const { id } = await createWebhook();
    await ping(id);
    const at = new Date(api.clock.now.getTime() + 600_000).toISOString();
    await lastLine(id).toMatchObject({ attempts: 1, nextAttemptAt: at });
  });

  test('that answers 410 is disabled; what comes then fails, and is sent when asked for', async () => {
    receiver.answer = (response) => response.writeHead(410).end();
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'failed', lastStatus: 410 });
    expect(await webhook(id)).toMatchObject({ disabledReason: 'it answered 410 Gone' });
    await createTask();
    expect((await lines(id))[0]).toMatchObject({ status: 'failed', lastError: 'the endpoint was disabled' });
    const since = { since: '2026-01-01T00:00:00Z' };
    expect((await operator.call('POST', `/v1/webhooks/${id}/replay-failed`, since)).status).toBe(409);
    receiver.answer = (response) => response.writeHead(204).end();
    await operator.call('PATCH', `/v1/webhooks/${id}`, { disabled: false });
    const { body } = await operator.call('POST', `/v1/webhooks/${id}/replay-failed`, since);
    expect(body).toEqual({ replayed: 2 });
    await expect
      .poll(async () => (await lines(id)).map((line) => line.status))
      .toEqual(['delivered', 'delivered']);
    expect(receiver.received.filter((one) => one.id === messageId)).toHaveLength(2);
  });

  test('is given up after a day, and disabled after five of failures', async () => {
    receiver.answer = (response) => response.writeHead(500).end();
    const { id } = await createWebhook();
    await ping(id);
    await lastLine(id).toMatchObject({ attempts: 1 });
    api.clock.advance(25 * 3_600_000);
    await lastLine(id).toMatchObject({ status: 'failed', attempts: 2 });
    expect((await webhook(id))['disabledAt']).toBeNull();
    api.clock.advance(4 * 24 * 3_600_000);
    await ping(id);
    await expect.poll(async () => (await webhook(id))['disabledReason']).toBe('it has failed for 5 days');
  });

  test('redirects are not followed', async () => {
    const elsewhere = await startReceiver();
    receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    const { id } = await createWebhook();
    await ping(id);
    await lastLine(id).toMatchObject({ lastError: 'answered 307: redirects are not followed' });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  test('one that hangs is given up after 10 s, and holds up no other', async () => {
    receiver.answer = () => undefined;
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

  test('an endless answer is cut off; its status counts', async () => {
    let written = 0;
    receiver.answer = (response) => {
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

describe('where it may go', () => {
  test.each([
    ['http://10.0.0.1/', 'private or reserved'],
    ['https://192.168.1.1/', 'private or reserved'],
    ['https://169.254.169.254/latest/meta-data', 'private or reserved'],
    ['https://167772161/', 'private or reserved'],
    ['https://nobody.invalid/', 'cannot be resolved'],
    ['https://[::1]/', 'private or reserved'],
    ['https://[::ffff:10.0.0.1]/', 'private or reserved'],
    ['https://[fd00::1]/', 'private or reserved'],
    ['https://0/', 'private or reserved'],
    ['http://8.8.8.8/', 'https'],
    ['ftp://example.com/', 'https'],
    ['https://user:password@example.com/', 'password'],
    ['not a URL', 'is not a URL'],
  ])('%s is refused', async (url, reason) => {
    const { status, body } = await operator.call('POST', '/v1/webhooks', { url, events: EVERYTHING });
    expect(status).toBe(400);
    expect(body['errors']).toEqual([{ pointer: '/url', detail: expect.stringContaining(reason) }]);
  });

  test('an address that is no longer allowed is not called', async () => {
    const { id } = await createWebhook();
    await api.deps.db
      .updateTable('webhook_endpoints')
      .set({ url: 'http://10.0.0.1/' })
      .where('id', '=', id)
      .execute();
    await ping(id);
    await lastLine(id).toMatchObject({
      lastStatus: null,
      lastError: 'refused: it leads to a private or reserved address',
    });
  });
});

describe('managing', () => {
  test('a rotated secret signs beside the one before, until the overlap ends', async () => {
    const { id, secret } = await createWebhook();
    const { body } = await operator.call('POST', `/v1/webhooks/${id}/rotate-secret`, { overlapHours: 1 });
    const fresh = String(body['secret']);
    expect(fresh).not.toBe(secret);
    await ping(id);
    await expect.poll(() => receiver.received.length).toBe(1);
    expect([secret, fresh].map((each) => receiver.received[0]?.isSignedBy(each))).toEqual([true, true]);
    api.clock.advance(3_600_001);
    await ping(id);
    await expect.poll(() => receiver.received.length).toBe(2);
    expect([secret, fresh].map((each) => receiver.received[1]?.isSignedBy(each))).toEqual([false, true]);
  });

  test('one message is replayed under its ID', async () => {
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'delivered' });
    const { status } = await operator.call('POST', `/v1/webhooks/${id}/deliveries/${messageId}/replay`);
    expect(status).toBe(202);
    await expect.poll(() => receiver.received.map((one) => one.id)).toEqual([messageId, messageId]);
  });

  test('secrets are shown once and stored sealed', async () => {
    const { id, secret } = await createWebhook();
    expect(JSON.stringify(await webhook(id))).not.toContain(secret);
    const row = await api.deps.db
      .selectFrom('webhook_endpoints')
      .select('secret')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(row.secret.includes(Buffer.from(secret))).toBe(false);
  });

  test('an endpoint is changed, disabled and deleted, and the audit says by whom', async () => {
    const { id } = await createWebhook();
    const { body } = await operator.call('PATCH', `/v1/webhooks/${id}`, {
      description: 'CRM',
      disabled: true,
    });
    expect(body).toMatchObject({ description: 'CRM', disabledReason: 'by a person' });
    expect((await operator.call('POST', `/v1/webhooks/${id}/ping`)).status).toBe(409);
    expect((await operator.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    expect((await operator.call('GET', `/v1/webhooks/${id}`)).status).toBe(404);
    const acts = await api.deps.db
      .selectFrom('audit')
      .select(['verb', 'person_id'])
      .where('app_id', '=', shop.appId)
      .orderBy('no')
      .execute();
    expect(acts).toEqual(
      ['create_webhook', 'change_webhook', 'delete_webhook'].map((verb) => ({
        verb,
        person_id: operator.personId,
      })),
    );
  });

  test('another app sees nothing, a marketer may not, and an app has at most 20', async () => {
    const { id } = await createWebhook();
    const stranger = await (await openShop(api)).person('operator');
    for (const path of ['', '/deliveries', '/ping', '/rotate-secret']) {
      const method = path === '' || path === '/deliveries' ? 'GET' : 'POST';
      const payload = path === '/rotate-secret' ? {} : undefined;
      expect((await stranger.call(method, `/v1/webhooks/${id}${path}`, payload)).status).toBe(404);
    }
    expect((await shop.marketer.call('GET', '/v1/webhooks')).status).toBe(403);
    await Promise.all(
      Array.from({ length: 25 }, () =>
        operator.call('POST', '/v1/webhooks', { url: receiver.url, events: ['push.status_changed'] }),
      ),
    );
    expect((await operator.call('GET', '/v1/webhooks')).body['items']).toHaveLength(20);
  });
});
