import { describe, expect, test } from 'vitest';
import { openShop } from '../../test/fixtures/shop-fixture.ts';
import { EVERY_EVENT, useWebhooks } from '../../test/setup/webhooks.ts';

const hooks = useWebhooks();
const { api, createWebhook, lastLine, operator, ping, shop, webhook } = hooks;

describe('the address of a webhook', () => {
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
    const { status, body } = await operator.call('POST', '/v1/webhooks', { url, events: EVERY_EVENT });
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
      lastError: 'refused: must lead to a public address, not to a private or reserved one',
    });
  });
});

describe('managing webhooks', () => {
  test('a rotated secret signs beside the previous one until the overlap ends', async () => {
    const { id, secret } = await createWebhook();
    const { body } = await operator.call('POST', `/v1/webhooks/${id}/rotate-secret`, { overlapHours: 1 });
    const fresh = String(body['secret']);
    expect(fresh).not.toBe(secret);
    await ping(id);
    await expect.poll(() => hooks.receiver.received.length).toBe(1);
    expect([secret, fresh].map((each) => hooks.receiver.received[0]?.isSignedBy(each))).toEqual([true, true]);
    api.clock.advance(3_600_001);
    await ping(id);
    await expect.poll(() => hooks.receiver.received.length).toBe(2);
    expect([secret, fresh].map((each) => hooks.receiver.received[1]?.isSignedBy(each))).toEqual([
      false,
      true,
    ]);
  });

  test('a message is replayed under its own ID', async () => {
    const { id } = await createWebhook();
    const messageId = await ping(id);
    await lastLine(id).toMatchObject({ status: 'delivered' });
    const { status } = await operator.call('POST', `/v1/webhooks/${id}/deliveries/${messageId}/replay`);
    expect(status).toBe(202);
    await expect.poll(() => hooks.receiver.received.map((one) => one.id)).toEqual([messageId, messageId]);
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

  test('an endpoint is changed, disabled and deleted, and the audit names the actor', async () => {
    const { id } = await createWebhook();
    const { body } = await operator.call('PATCH', `/v1/webhooks/${id}`, {
      description: 'CRM',
      disabled: true,
    });
    expect(body).toMatchObject({ description: 'CRM', disabledReason: 'by a person' });
    expect((await operator.call('POST', `/v1/webhooks/${id}/ping`)).status).toBe(409);
    expect((await operator.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    expect((await operator.call('GET', `/v1/webhooks/${id}`)).status).toBe(404);
    const entries = await api.deps.db
      .selectFrom('audit')
      .select(['action', 'person_id'])
      .where('app_id', '=', shop.appId)
      .orderBy('no')
      .execute();
    expect(entries).toEqual(
      ['create_webhook', 'change_webhook', 'delete_webhook'].map((action) => ({
        action,
        person_id: operator.personId,
      })),
    );
  });

  test('another app sees nothing, a marketer is refused, and an app has at most 20 webhooks', async () => {
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
        operator.call('POST', '/v1/webhooks', { url: hooks.receiver.url, events: ['push.status_changed'] }),
      ),
    );
    expect((await operator.call('GET', '/v1/webhooks')).body['items']).toHaveLength(20);
  });
});
