import { pino } from 'pino';
import { afterEach, beforeEach, expect } from 'vitest';
import { startWebhookDeliverer } from '../../activities/webhooks/webhook-deliverer.ts';
import { createFindTarget } from '../../security/outbound-targets.ts';
import { newTask, openShop } from '../fixtures/shop-fixture.ts';
import { ADMIN_KEY, useTestApi } from '../fixtures/test-api.ts';
import { type Receiver, startReceiver } from '../webhook-receiver.ts';
import { fixture } from './fixture.ts';

const RANGES = ['127.0.0.0/8'];
export const EVERY_EVENT = ['task.status_changed', 'task.approval_requested', 'push.status_changed'];

interface Line {
  readonly messageId: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly nextAttemptAt: string | null;
}

/**
 * For the top of a test file: an app with an operator, an endpoint that receives, and a deliverer at work.
 */
export function useWebhooks() {
  const api = useTestApi({
    config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: RANGES },
  });
  const shop = fixture(beforeEach, () => openShop(api));
  const operator = fixture(beforeEach, () => shop.person('operator'));
  let receiver: Receiver;
  let deliverer: ReturnType<typeof startWebhookDeliverer>;
  beforeEach(async () => {
    receiver = await startReceiver();
    deliverer = startWebhookDeliverer({
      db: api.deps.db,
      clock: api.deps.clock,
      log: pino({ level: 'silent' }),
      open: (sealed) => api.deps.vault.open(sealed),
      findTarget: createFindTarget(RANGES),
    });
  });
  afterEach(async () => {
    await receiver.close();
    await deliverer.stop();
  });

  const lines = async (id: string) =>
    (await operator.call('GET', `/v1/webhooks/${id}/deliveries`)).body['items'] as Line[];
  return {
    api,
    shop,
    operator,
    lines,
    get receiver() {
      return receiver;
    },
    async createWebhook(url = receiver.url, events = EVERY_EVENT) {
      const { status, body } = await operator.call('POST', '/v1/webhooks', { url, events });
      expect(status).toBe(201);
      return body as { id: string; secret: string };
    },
    createTask: () => shop.marketer.call('POST', '/v1/tasks', newTask(shop)),
    ping: async (id: string) =>
      (await operator.call('POST', `/v1/webhooks/${id}/ping`)).body['messageId'] as string,
    webhook: async (id: string) => (await operator.call('GET', `/v1/webhooks/${id}`)).body,
    lastLine: (id: string) => expect.poll(async () => (await lines(id))[0]),
  };
}
